"""``manage.py makedata``: learn from what was reviewed, and make the new model live."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError

from chat import installation, selectors
from chat.training_bar import TrainingBar
from core.errors import JaramError
from core.evolve import EvolveSettings, RunSummary, evolve
from core.registry import INITIAL, Registry

FlagValue = str | int | float | bool


class Command(BaseCommand):
    """Parses the command line, runs the pipeline and says what came of it."""

    help = (
        "Train a new model on every approved (검토완료) row, the correction where there is one, score it and make "
        "it live. A running server takes it without a restart."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command line."""
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--initial", action="store_true", help="make the bundled model live instead of training")
        what.add_argument("--dry-run", action="store_true", help="stop after the corpus and its report")
        what.add_argument("--no-publish", action="store_true", help="train and score, and leave the live model")
        parser.add_argument("--num-train-steps", type=_positive, metavar="N", help="steps of training")
        parser.add_argument(
            "--hparam",
            action="append",
            default=[],
            type=_hparam,
            metavar="NAME=VALUE",
            help="a flag of python -m core.nmt, as in --hparam num_units=256 (repeatable)",
        )
        parser.add_argument("--threads", type=_positive, metavar="N", help="most threads the training may use")

    def handle(self, *, initial: bool, dry_run: bool, no_publish: bool, **options: Any) -> None:
        """Run what was asked for."""
        registry = Registry(settings.DATA_DIR)
        try:
            if initial:
                self._publish_initial(registry)
                return
            with TrainingBar(silent=options["verbosity"] == 0) as bar:
                summary = evolve(
                    selectors.training_pairs(),
                    registry=registry,
                    settings=_settings(options),
                    on_progress=bar,
                    dry_run=dry_run,
                    publish=not no_publish,
                )
        except (JaramError, DatabaseError, OSError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("stopped; the live model is as it was", returncode=130) from error
        for line in summary_lines(summary):
            self.stdout.write(line)

    def _publish_initial(self, registry: Registry) -> None:
        installation.ensure_initial_files()
        registry.publish(registry.get(INITIAL))
        self.stdout.write("the bundled model is live")


def _settings(options: dict[str, Any]) -> EvolveSettings:
    defaults = EvolveSettings()
    given: dict[str, FlagValue] = dict(options["hparam"])
    if options["num_train_steps"]:
        given["num_train_steps"] = options["num_train_steps"]
    return replace(
        defaults,
        engine={**defaults.engine, **given},
        analyser=settings.ANALYSER,
        threads=options["threads"] or settings.TRAINING_THREADS or defaults.threads,
    )


def summary_lines(summary: RunSummary) -> Iterator[str]:
    """Say what a run came to: rows, scores on trained and on unseen questions apart, time."""
    yield from summary.report.summary()
    scores = summary.scores
    if scores is None:
        yield "nothing was trained: this was a dry run"
        return
    yield f"trained questions: {scores.uptake:.2%} of {scores.trained_questions} get exactly their answer"
    if summary.reviewed:
        yield f"reviewed pairs:    {summary.learned} of {summary.reviewed} learned word for word"
    if scores.heldout_bleu is None or scores.heldout_chrf is None:
        yield "unseen questions:  none held out, the imported corpus is too small for it"
    else:
        yield (
            f"unseen questions:  BLEU {scores.heldout_bleu:.1f}, chrF {scores.heldout_chrf:.1f} "
            f"on {scores.heldout_pairs} held-out pairs"
        )
    phases = ", ".join(f"{name} {_clock(seconds)}" for name, seconds in summary.seconds.items())
    yield f"time: {_clock(sum(summary.seconds.values()))} ({phases})"
    yield f"{summary.run} is live" if summary.published else f"{summary.run} is kept, and the live model unchanged"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def _hparam(text: str) -> tuple[str, FlagValue]:
    name, equals, value = text.partition("=")
    name = name.strip().removeprefix("--")
    if not equals or not name.isidentifier():
        raise ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    return name, _value(value.strip())


def _value(text: str) -> FlagValue:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
