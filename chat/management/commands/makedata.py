"""``manage.py makedata``: learn from what was reviewed, and make the new model live."""

import getpass
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError

from chat import installation, selectors
from chat.run_settings import run_settings
from chat.training.priority import step_aside
from chat.training.work import TrainingCancelled, carry_out_command
from chat.training_bar import TrainingBar
from core.errors import JaramError
from core.evolve import EvolveSettings, Progress, RunSummary, Scores, evolve
from core.evolve.receipt import RECEIPT
from core.evolve.settings import FlagValue
from core.registry import INITIAL, Registry

REJECTED = 3  # the exit code when the new model is kept because it may not go live by itself
INTERRUPTED = 130  # and after Ctrl-C, as shells have it


class Command(BaseCommand):
    """Parses the command line, runs the pipeline and says what came of it."""

    help = (
        "Train a new model on every approved (검토완료) row, the correction where there is one, and make it live "
        "when it clears the gate. A running server takes it without a restart. Exit code 3: it did not, and is kept "
        "as rejected."
    )

    def run_from_argv(self, argv: list[str]) -> None:
        """Run as a program, which leaves the processor to the server."""
        step_aside(settings.TRAINING_PRIORITY)
        super().run_from_argv(argv)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command line."""
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--initial", action="store_true", help="make the bundled model live instead of training")
        what.add_argument("--dry-run", action="store_true", help="stop after the corpus and its report")
        what.add_argument("--no-publish", action="store_true", help="train and score, and leave the live model")
        parser.add_argument("--from-scratch", action="store_true", help="do not go on from the live model's weights")
        parser.add_argument("--force", action="store_true", help="make the new model live whatever the gate says")
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
            work = partial(_evolve, registry, options, dry_run=dry_run, publish=not no_publish)
            if dry_run:
                summary = work(lambda progress: None)
            else:
                summary = carry_out_command(
                    registry, work, from_scratch=options["from_scratch"], force=options["force"]
                )
        except TrainingCancelled as error:
            raise CommandError("cancelled in the admin; the live model is as it was", returncode=INTERRUPTED) from error
        except (JaramError, DatabaseError, OSError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("stopped; the live model is as it was", returncode=INTERRUPTED) from error
        for line in summary_lines(summary, registry.models_dir):
            self.stdout.write(line)
        if summary.status == "rejected":
            raise CommandError(rejection(summary), returncode=REJECTED)
        if summary.status == "overtaken":
            raise CommandError(
                f"another version went live meanwhile, which {summary.run} was not compared with: it is kept "
                f"(manage.py models publish {summary.run} makes it live, another makedata goes on from what is live)",
                returncode=REJECTED,
            )

    def _publish_initial(self, registry: Registry) -> None:
        installation.ensure_initial_files()
        registry.publish(registry.get(INITIAL), by=_user(), reason="setup")
        self.stdout.write("the bundled model is live")


def _evolve(
    registry: Registry,
    options: dict[str, Any],
    tell: Callable[[Progress], None],
    *,
    dry_run: bool,
    publish: bool,
) -> RunSummary:
    """Run the pipeline, and show how far it is on the terminal as well as to ``tell``."""
    with TrainingBar(silent=options["verbosity"] == 0) as bar:

        def show(progress: Progress) -> None:
            bar(progress)
            tell(progress)

        return evolve(
            selectors.training_pairs(),
            registry=registry,
            settings=_run_settings(options),
            on_progress=show,
            dry_run=dry_run,
            publish=publish,
        )


def _run_settings(options: dict[str, Any]) -> EvolveSettings:
    engine: dict[str, FlagValue] = dict(options["hparam"])
    if options["num_train_steps"]:
        engine["num_train_steps"] = options["num_train_steps"]
    return run_settings(
        from_scratch=options["from_scratch"],
        force=options["force"],
        by=_user(),
        engine=engine,
        threads=options["threads"],
    )


def _user() -> str:
    """Who runs the command; empty where the system has no name for them, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def summary_lines(summary: RunSummary, models_dir: Path) -> Iterator[str]:
    """Say what a run came to: rows, scores on trained and on unseen questions apart, receipt, gate, time."""
    if summary.leftovers:
        yield summary.leftovers
    yield from summary.report.summary()
    if summary.validation:
        yield from summary.validation.summary()
    if summary.scores is None or summary.receipt is None or summary.gate is None:
        yield "nothing was trained: this was a dry run"
        return
    yield f"trained {'from the live model' if summary.warm else 'from scratch'}: {summary.why}"
    yield from _score_lines(summary.scores)
    yield from summary.receipt.summary()
    yield f"the whole receipt: {models_dir / str(summary.run) / RECEIPT}"
    yield from (f"gate: {line}" for line in summary.gate.summary())
    phases = ", ".join(f"{name} {_clock(seconds)}" for name, seconds in summary.seconds.items())
    yield f"time: {_clock(sum(summary.seconds.values()))} ({phases})"
    if summary.published:
        yield f"{summary.run} is live{', by force' if summary.gate.forced else ''}"
    elif summary.status == "kept":
        yield f"{summary.run} is kept, and the live model unchanged"


def rejection(summary: RunSummary) -> str:
    """Say which bars a version missed and by how much, and how to make it live all the same."""
    failures = "; ".join(summary.gate.failures) if summary.gate else ""
    return (
        f"the gate rejects {summary.run}, which is kept, and the live model unchanged: {failures} "
        f"(manage.py models publish {summary.run} --force makes it live all the same)"
    )


def _score_lines(scores: Scores) -> Iterator[str]:
    yield f"trained questions: {scores.uptake:.2%} of {scores.trained_questions} get exactly their answer"
    if scores.heldout_bleu is None or scores.heldout_chrf is None:
        yield "unseen questions:  none held out, the imported corpus is too small for it"
    else:
        yield (
            f"unseen questions:  BLEU {scores.heldout_bleu:.1f}, chrF {scores.heldout_chrf:.1f} "
            f"on {scores.heldout_pairs} held-out pairs"
        )


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
