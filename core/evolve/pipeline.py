"""The pipeline: each phase in turn, in a draft that becomes a run only when all of them succeeded."""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from core.corpus import Example, Pair, build
from core.evolve.augmentation import copies
from core.evolve.calibration import inherit_calibration
from core.evolve.engine import Runner, run_engine, sigterm_exits
from core.evolve.errors import EvolveError
from core.evolve.failures import check_disk_space, disk_errors_explained, keep_log
from core.evolve.gate import GateResult, judge
from core.evolve.inspection import inspect_corpus
from core.evolve.mixture import mix, remove_examples, write_examples
from core.evolve.plan import Plan, engine_flags, make_plan, rules
from core.evolve.progress import Phase, Progress
from core.evolve.provenance import corpus_hash, git_commit, package_versions
from core.evolve.receipt import RECEIPT, Receipt, write_up
from core.evolve.resumption import Beginning, begin, make_note
from core.evolve.scores import Scores, score, unseen_scores
from core.evolve.settings import EvolveSettings, FlagValue
from core.evolve.summary import RunSummary, Status
from core.evolve.trial import choose, hold
from core.evolve.workshop import Workshop
from core.registry import Draft, Manifest, Registry, RegistryError, Run
from core.text import Tokenizer, get_analyser

logger = logging.getLogger(__name__)


def evolve(
    pairs: Iterable[Pair],
    *,
    registry: Registry,
    settings: EvolveSettings,
    on_progress: Callable[[Progress], None],
    dry_run: bool = False,
    publish: bool = True,
    runner: Runner = run_engine,
) -> RunSummary:
    """Train a new model version on `pairs` and, when it clears the gate, make it live.

    Training goes on from the live model where it can (`plan`), else begins from nothing. What a killed run left is
    gone on with when nothing has changed since.

    Args:
        pairs: reviewed pairs, oldest first; read once.
        registry: where the version goes.
        settings: see `EvolveSettings`.
        on_progress: told how far it is, at least once a second while the engine works. An exception that it
            raises cancels the run.
        dry_run: stop after the corpus and its report; nothing is written.
        publish: False keeps the version without making it live. So it is kept, but for force, where another version
            went live meanwhile: somebody rolled back, or published one, and the gate compared with what was before.
        runner: runs the engine; tests bring their own.

    Raises `EvolveError`, `CorpusError` or `RegistryError` (each a `JaramError`), after which, as after Ctrl-C and
    SIGTERM, the live model is the same and nothing is left of the run, but for one that was finished and could
    not be made live. When the engine fails, its log is kept as `train-failed.log` in the data directory.
    """
    tokenizer = Tokenizer(get_analyser(settings.analyser))
    if dry_run:
        on_progress(Progress("corpus"))
        corpus = build(pairs, tokenizer, settings.corpus)
        validation = inspect_corpus(corpus, _live(registry))
        return RunSummary(run=None, parent=None, status="kept", report=corpus.report, validation=validation)
    with disk_errors_explained(registry.data_dir), sigterm_exits(), registry.lock():
        return _Making(registry, settings, tokenizer, on_progress, runner).run(pairs, publish)


def _live(registry: Registry) -> Run | None:
    try:
        return registry.current()
    except RegistryError as error:
        logger.warning("the new version will have no parent: %s", error)
        return None


class _Making:
    """One run in the making."""

    def __init__(
        self,
        registry: Registry,
        settings: EvolveSettings,
        tokenizer: Tokenizer,
        on_progress: Callable[[Progress], None],
        runner: Runner,
    ) -> None:
        self._registry = registry
        self._settings = settings
        self._tokenizer = tokenizer
        self._on_progress = on_progress
        self._runner = runner
        self._seconds: dict[str, float] = {}

    def run(self, pairs: Iterable[Pair], publish: bool) -> RunSummary:
        """Every phase; what is left when one fails is removed."""
        self._live_before = self._registry.live_name()
        live = _live(self._registry)
        self._check_disk_space(live)
        with self._phase("corpus"):
            plan = make_plan(
                pairs, live=live, registry=self._registry, settings=self._settings, tokenizer=self._tokenizer
            )
            self._validation = inspect_corpus(plan.corpus, live)
        logger.info("training %s: %s", "goes on from the live model" if plan.warm else "begins from scratch", plan.why)
        material = self._material(plan)
        flags = engine_flags(plan, self._settings, self._registry.models_dir / "draft")
        beginning = begin(self._registry, make_note(plan.corpus, material, flags, live.name if live else None))
        workshop = Workshop(beginning.draft.path, self._settings, self._runner, self._on_progress)
        try:
            with self._phase("train"):
                plan.corpus.write(beginning.draft.path)
                with _files(beginning.draft.path, material):
                    _train(workshop, flags, beginning)
            return self._judge_and_finish(plan, beginning, workshop, publish)
        except EvolveError as error:
            if log := keep_log(beginning.draft, self._registry.data_dir):
                raise EvolveError(f"{error} (the engine's log: {log})") from error
            raise
        finally:
            self._registry.discard(beginning.draft)  # what was finished has another name by now

    def _check_disk_space(self, live: Run | None) -> None:
        """A run is about as large as its parent; twice that leaves room for checkpoints while it is trained."""
        needed = self._settings.min_free_bytes
        if live is not None:
            files = live.path.rglob("*")
            needed = max(needed, 2 * sum(path.stat().st_size for path in files if path.is_file()))
        check_disk_space(self._registry.data_dir, needed)

    def _material(self, plan: Plan) -> dict[str, Sequence[Example]]:
        """The files that the engine trains with, by prefix."""
        noise = self._settings.warm_augmentation if plan.warm else self._settings.augmentation
        noisy = copies(plan.corpus, self._tokenizer, noise)
        if plan.warm:
            # Here the goals are what is learned for sure, in every batch.
            found = {"mix": [*mix(plan.corpus, (), 1), *noisy], "goal": plan.goals, "keep": plan.kept}
        else:
            found = {"mix": [*mix(plan.corpus, plan.corrections, self._settings.emphasis), *noisy]}
        return {prefix: examples for prefix, examples in found.items() if examples}

    def _judge_and_finish(self, plan: Plan, beginning: Beginning, workshop: Workshop, publish: bool) -> RunSummary:
        """Ask the new model everything, hold it against the gate, and make it a run."""
        with self._phase("evaluate"):
            scores, receipt, gate = self._evaluate(plan, beginning, workshop)
        status = self._status(gate, publish)
        with self._phase("publish"):
            run = self._registry.finish(
                beginning.draft, self._manifest(plan, beginning.draft, scores, gate, workshop.step)
            )
            if status == "published":
                self._registry.publish(run, by=self._settings.by, reason="force" if gate.forced else "makedata")
        return RunSummary(
            run=run.name,
            parent=plan.parent.name if plan.parent else None,
            status=status,
            report=plan.corpus.report,
            validation=self._validation,
            scores=scores,
            receipt=receipt,
            gate=gate,
            seconds=self._seconds,
            warm=plan.warm,
            why=str(plan.why),
            resumed=beginning.resumed,
            leftovers=beginning.said,
        )

    def _status(self, gate: GateResult, publish: bool) -> Status:
        """What becomes of a version; what goes live must have been compared with what it takes the place of."""
        if not (gate.passed or gate.forced):
            return "rejected"
        if not publish:
            return "kept"
        if self._registry.live_name() != self._live_before and not self._settings.force:
            return "overtaken"
        return "published"

    def _evaluate(self, plan: Plan, beginning: Beginning, workshop: Workshop) -> tuple[Scores, Receipt, GateResult]:
        corpus, parent = plan.corpus, plan.parent
        answers = workshop.answers(("train", "test"), _still_given(plan, workshop.lost()))
        trained, unseen = answers["train"], answers["test"]
        scores = score(corpus.train, trained, corpus.test, unseen, self._tokenizer)
        unheld = corpus.report.unheld_canaries
        receipt = write_up(corpus.train, trained, parent, run=beginning.draft.name, unheld=unheld)
        receipt.write(beginning.draft.path / RECEIPT)
        inherits = inherit_calibration(plan, beginning.draft.path)
        trial = hold(choose(corpus.train, trained), partial(workshop.reply, calibrate=not inherits))
        compared = unseen_scores(corpus.test, unseen, parent)
        return scores, receipt, judge(receipt, compared, trial, self._settings.gate, force=self._settings.force)

    def _manifest(self, plan: Plan, draft: Draft, scores: Scores, gate: GateResult, steps: int) -> Manifest:
        return Manifest(
            run=draft.name,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            parent=plan.parent.name if plan.parent else None,
            corpus={"hash": corpus_hash(plan.corpus), **plan.corpus.report.to_dict()},
            hparams=json.loads((draft.model_dir / "hparams.json").read_text(encoding="utf-8")),
            metrics=scores.to_dict(),
            packages=package_versions(),
            git_commit=git_commit(),
            seconds=dict(self._seconds),
            training={
                "warm": plan.warm,
                "why": str(plan.why),
                "because": plan.why.to_dict(),
                "steps": steps,
                "rules": rules(self._settings),
            },
            gate=gate.to_dict(),
            validation=self._validation.to_dict(),
        )

    @contextlib.contextmanager
    def _phase(self, phase: Phase) -> Iterator[None]:
        start = time.perf_counter()
        if phase in ("corpus", "publish"):
            self._on_progress(Progress(phase))
        yield
        self._seconds[phase] = round(time.perf_counter() - start, 3)


@contextlib.contextmanager
def _files(directory: Path, material: Mapping[str, Sequence[Example]]) -> Iterator[None]:
    """The training material in files, for as long as the engine reads it."""
    for prefix, examples in material.items():
        write_examples(directory, prefix, examples)
    yield
    for prefix in material:
        remove_examples(directory, prefix)


def _still_given(plan: Plan, lost: Collection[int] | None) -> dict[str, str]:
    """The answers of the parent that training found to be given still, both sides as lines of tokens.

    To ask for ten thousand answers takes as long as to learn fifty, and training has just done that.
    """
    if not plan.warm or lost is None:
        return {}
    gone = set(lost)
    return {
        " ".join(example.source): " ".join(example.target)
        for number, example in enumerate(plan.kept)
        if number not in gone
    }


def _train(workshop: Workshop, flags: Mapping[str, FlagValue], beginning: Beginning) -> None:
    """Train, anew where what a killed run left turns out to be of no use."""
    try:
        workshop.train(flags)
    except EvolveError as error:
        if not beginning.resumed:
            raise
        logger.warning("what a killed run left is of no use, training begins anew: %s", error)
        shutil.rmtree(beginning.draft.model_dir, ignore_errors=True)
        workshop.train(flags)
