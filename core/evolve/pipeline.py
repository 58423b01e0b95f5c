"""The pipeline: each phase in turn, in a draft that becomes a run only when all of them succeeded."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.corpus import Corpus, CorpusError, CorpusReport, Pair, build
from core.evolve.engine import EngineCall, Runner, run_engine, sigterm_exits
from core.evolve.errors import EvolveError
from core.evolve.progress import Phase, Progress, ProgressFile
from core.evolve.provenance import corpus_hash, git_commit, package_versions
from core.evolve.scores import Scores, receipt, score
from core.evolve.settings import EvolveSettings, FlagValue
from core.registry import Draft, Manifest, Registry, RegistryError
from core.text import Tokenizer, get_analyser

logger = logging.getLogger(__name__)

FAILED_LOG = "train-failed.log"  # in the data directory: the engine's log of the last run that failed

_LOG = "train.log"
_PROGRESS = "progress.jsonl"
_HEARTBEAT_SECONDS = 1.0
_INFER_BATCH_SIZE = 128


@dataclass(frozen=True)
class RunSummary:
    """What became of a run.

    Attributes:
        run: its name; None after a dry run.
        parent: the run that was live when it began.
        published: whether it is live now.
        report: what became of every pair.
        scores: None after a dry run.
        reviewed: trained pairs that a person wrote or approved, which the receipt lists.
        learned: how many of those are answered word for word.
        seconds: what each phase took.
    """

    run: str | None
    parent: str | None
    published: bool
    report: CorpusReport
    scores: Scores | None
    reviewed: int
    learned: int
    seconds: Mapping[str, float]


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
    """Train a new model version on `pairs` and make it live.

    Args:
        pairs: reviewed pairs, oldest first; read once.
        registry: where the version goes.
        settings: see `EvolveSettings`.
        on_progress: told how far it is, at least once a second while the engine works. An exception that it
            raises cancels the run.
        dry_run: stop after the corpus and its report; nothing is written.
        publish: False keeps the version without making it live.
        runner: runs the engine; tests bring their own.

    Raises `EvolveError`, `CorpusError` or `RegistryError` (each a `JaramError`), after which, as after Ctrl-C and
    SIGTERM, the live model is the same and nothing is left of the run, but for one that was finished and could
    not be made live. When the engine fails, its log is kept as `train-failed.log` in the data directory.
    """
    tokenizer = Tokenizer(get_analyser(settings.analyser))
    if dry_run:
        on_progress(Progress("corpus"))
        report = build(pairs, tokenizer, settings.corpus).report
        return RunSummary(None, None, False, report, None, 0, 0, {})
    with _disk_errors_explained(registry.data_dir), sigterm_exits(), registry.lock():
        draft = registry.new_run()
        try:
            return _Making(registry, settings, tokenizer, draft, on_progress, runner).run(pairs, publish)
        except EvolveError as error:
            if log := _keep_log(draft, registry.data_dir):
                raise EvolveError(f"{error} (the engine's log: {log})") from error
            raise
        finally:
            registry.discard(draft)  # what was finished has another name by now


class _Making:
    """One run in the making."""

    def __init__(
        self,
        registry: Registry,
        settings: EvolveSettings,
        tokenizer: Tokenizer,
        draft: Draft,
        on_progress: Callable[[Progress], None],
        runner: Runner,
    ) -> None:
        self._registry = registry
        self._settings = settings
        self._tokenizer = tokenizer
        self._draft = draft
        self._on_progress = on_progress
        self._runner = runner
        self._seconds: dict[str, float] = {}

    def run(self, pairs: Iterable[Pair], publish: bool) -> RunSummary:
        parent = self._parent()
        self._check_disk_space(parent)
        with self._phase("corpus"):
            corpus = build(pairs, self._tokenizer, self._settings.corpus)
            corpus.write(self._draft.path)
        with self._phase("train"):
            self._train(corpus)
        with self._phase("evaluate"):
            scores, learned = self._evaluate(corpus, parent)
        with self._phase("publish"):
            run = self._registry.finish(self._draft, self._manifest(corpus, scores, parent))
            if publish:
                self._registry.publish(run)
        return RunSummary(
            run=run.name,
            parent=parent,
            published=publish,
            report=corpus.report,
            scores=scores,
            reviewed=len(learned),
            learned=sum(learned),
            seconds=self._seconds,
        )

    def _parent(self) -> str | None:
        try:
            live = self._registry.current()
        except RegistryError as error:
            logger.warning("the new version will have no parent: %s", error)
            return None
        return live.name if live else None

    def _check_disk_space(self, parent: str | None) -> None:
        """A run is about as large as its parent; twice that leaves room for checkpoints while it is trained."""
        needed = self._settings.min_free_bytes
        if parent is not None:
            files = self._registry.get(parent).path.rglob("*")
            needed = max(needed, 2 * sum(path.stat().st_size for path in files if path.is_file()))
        free = shutil.disk_usage(self._draft.path).free
        if free < needed:
            raise EvolveError(
                f"{free / 1e6:.0f} MB are free in {self._registry.models_dir}, a run needs {needed / 1e6:.0f} MB: "
                "free some disk space, or remove old model versions"
            )

    def _train(self, corpus: Corpus) -> None:
        flags: dict[str, FlagValue] = {"src": "req", "tgt": "rep", "vocab_prefix": "vocab", "train_prefix": "train"}
        if corpus.dev:
            flags["dev_prefix"] = "dev"
        flags |= {"out_dir": "model", "progress_file": _PROGRESS}
        flags |= self._settings.training_flags(corpus)
        progress = ProgressFile(self._draft.path / _PROGRESS, total=int(flags["num_train_steps"]))
        told = time.monotonic()

        def watch() -> None:
            nonlocal told
            if progress.advance() or time.monotonic() - told >= _HEARTBEAT_SECONDS:
                told = time.monotonic()
                self._on_progress(progress.latest)

        self._on_progress(progress.latest)
        self._engine(flags, watch)

    def _evaluate(self, corpus: Corpus, parent: str | None) -> tuple[Scores, list[bool]]:
        """Scores, and for each pair of the receipt whether it was learned."""
        answers = self._answers(corpus)
        trained, unseen = answers[: len(corpus.train)], answers[len(corpus.train) :]
        scores = score(corpus.train, trained, corpus.test, unseen, self._tokenizer)
        pairs = receipt(corpus.train, trained, self._tokenizer)
        learned = [pair["learned"] for pair in pairs]
        content = {"run": self._draft.name, "parent": parent, "learned": sum(learned), "reviewed": len(pairs)}
        _write_json(self._draft.path / "receipt.json", {**content, "pairs": pairs})
        return scores, learned

    def _answers(self, corpus: Corpus) -> list[str]:
        """What the new model answers to every question of train, then of test.

        Both in one process, as starting the engine takes longer than answering a small corpus. The answers stay
        in the run as `train.hyp` and `test.hyp`, line by line beside the questions.
        """
        directory = self._draft.path
        asked, answered = directory / "asked.req", directory / "asked.hyp"
        sides = {"train": len(corpus.train), "test": len(corpus.test)}
        asked.write_bytes(b"".join((directory / f"{side}.req").read_bytes() for side in sides))
        total = sum(sides.values())
        self._on_progress(Progress("evaluate", 0, total))
        flags: dict[str, FlagValue] = {
            "out_dir": "model",
            "inference_input_file": asked.name,
            "inference_output_file": answered.name,
            "infer_batch_size": _INFER_BATCH_SIZE,
            **self._settings.thread_flags(),
        }
        self._engine(flags, self._heartbeat(Progress("evaluate", 0, total)))
        self._on_progress(Progress("evaluate", total, total))
        lines = answered.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        if len(lines) != total:
            raise EvolveError(f"the engine gave {len(lines)} answers to {total} questions")
        asked.unlink()
        answered.unlink()
        _write_lines(directory / "train.hyp", lines[: sides["train"]])
        _write_lines(directory / "test.hyp", lines[sides["train"] :])
        return [self._tokenizer.join(line.split(" ")) for line in lines]

    def _engine(self, flags: Mapping[str, FlagValue], on_wait: Callable[[], None]) -> None:
        log = self._draft.path / _LOG
        self._runner(EngineCall(flags, self._draft.path, log, self._settings.niceness), on_wait)

    def _heartbeat(self, progress: Progress) -> Callable[[], None]:
        told = time.monotonic()

        def beat() -> None:
            nonlocal told
            if time.monotonic() - told >= _HEARTBEAT_SECONDS:
                told = time.monotonic()
                self._on_progress(progress)

        return beat

    def _manifest(self, corpus: Corpus, scores: Scores, parent: str | None) -> Manifest:
        hparams = json.loads((self._draft.model_dir / "hparams.json").read_text(encoding="utf-8"))
        return Manifest(
            run=self._draft.name,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            parent=parent,
            corpus={"hash": corpus_hash(corpus), **corpus.report.to_dict()},
            hparams=hparams,
            metrics=scores.to_dict(),
            packages=package_versions(),
            git_commit=git_commit(),
            seconds=dict(self._seconds),
        )

    @contextlib.contextmanager
    def _phase(self, phase: Phase) -> Iterator[None]:
        start = time.perf_counter()
        if phase in ("corpus", "publish"):
            self._on_progress(Progress(phase))
        yield
        self._seconds[phase] = round(time.perf_counter() - start, 3)


@contextlib.contextmanager
def _disk_errors_explained(data_dir: Path) -> Iterator[None]:
    """Turn what the disk refuses into `EvolveError`, a full disk with what to do about it."""
    try:
        yield
    except OSError as error:
        raise EvolveError(_explained(error, data_dir)) from error
    except (CorpusError, RegistryError) as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in (errno.ENOSPC, errno.EDQUOT):
            raise EvolveError(_explained(error.__cause__, data_dir)) from error
        raise


def _explained(error: OSError, data_dir: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk of {data_dir} is full: free some space, or remove old model versions, and run makedata again"
    return f"can't write the run: {error.strerror or error}: {error.filename or data_dir}"


def _keep_log(draft: Draft, data_dir: Path) -> Path | None:
    """Copy the engine's log out of a draft that will be removed; None when it has not said anything."""
    kept = data_dir / FAILED_LOG
    try:
        shutil.copyfile(draft.path / _LOG, kept)
    except OSError:  # a log is a help, and the error that is on its way matters more
        return None
    return kept


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _write_json(path: Path, data: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
