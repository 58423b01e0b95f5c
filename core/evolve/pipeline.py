"""The pipeline: each phase in turn, in a draft that becomes a run only when all of them succeeded."""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.corpus import Corpus, Pair, build
from core.evolve.engine import Runner, run_engine, sigterm_exits
from core.evolve.errors import EvolveError
from core.evolve.failures import check_disk_space, disk_errors_explained, keep_log
from core.evolve.mixture import PREFIX as MIX
from core.evolve.mixture import mix, remove_examples, write_examples
from core.evolve.progress import Phase, Progress
from core.evolve.provenance import corpus_hash, git_commit, package_versions
from core.evolve.scores import Scores, receipt, score
from core.evolve.settings import EvolveSettings, FlagValue
from core.evolve.summary import RunSummary
from core.evolve.workshop import PROGRESS, Workshop
from core.registry import Draft, Manifest, Registry, RegistryError
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
        return RunSummary(None, None, "kept", report, None, 0, 0, {})
    with disk_errors_explained(registry.data_dir), sigterm_exits(), registry.lock():
        draft = registry.new_run()
        try:
            return _Making(registry, settings, tokenizer, draft, on_progress, runner).run(pairs, publish)
        except EvolveError as error:
            if log := keep_log(draft, registry.data_dir):
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
        self._workshop = Workshop(draft.path, settings, runner, on_progress)
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
                self._registry.publish(run, by=self._settings.by, reason="makedata")
        return RunSummary(
            run=run.name,
            parent=parent,
            status="published" if publish else "kept",
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
        check_disk_space(self._draft.path, needed)

    def _train(self, corpus: Corpus) -> None:
        write_examples(self._draft.path, MIX, mix(corpus, (), self._settings.emphasis))
        flags: dict[str, FlagValue] = {"src": "req", "tgt": "rep", "vocab_prefix": "vocab", "train_prefix": MIX}
        if corpus.dev:
            flags["dev_prefix"] = "dev"
        flags |= {"out_dir": "model", "progress_file": PROGRESS}
        self._workshop.train(flags | self._settings.training_flags(corpus))
        remove_examples(self._draft.path, MIX)

    def _evaluate(self, corpus: Corpus, parent: str | None) -> tuple[Scores, list[bool]]:
        """Scores, and for each pair of the receipt whether it was learned."""
        answers = self._workshop.answers({"train": len(corpus.train), "test": len(corpus.test)}, self._tokenizer)
        trained, unseen = answers[: len(corpus.train)], answers[len(corpus.train) :]
        scores = score(corpus.train, trained, corpus.test, unseen, self._tokenizer)
        pairs = receipt(corpus.train, trained, self._tokenizer)
        learned = [pair["learned"] for pair in pairs]
        content = {"run": self._draft.name, "parent": parent, "learned": sum(learned), "reviewed": len(pairs)}
        _write_json(self._draft.path / "receipt.json", {**content, "pairs": pairs})
        return scores, learned

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


def _write_json(path: Path, data: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
