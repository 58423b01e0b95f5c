"""What may be decided about a run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from core.corpus import Corpus, CorpusSettings
from core.evolve.errors import EvolveError
from core.nmt.errors import NmtError
from core.nmt.hparams import HParams

FlagValue = str | int | float | bool

_DEFAULT_ENGINE: Mapping[str, FlagValue] = {
    "num_layers": 2,
    "num_units": 256,
    "encoder_type": "bi",
    "attention": "scaled_luong",
    "optimizer": "adam",
    "learning_rate": 0.005,
    "decay_scheme": "cosine",
    "dropout": 0.1,
    "batch_size": 64,
    "num_buckets": 25,
}


@dataclass(frozen=True)
class EvolveSettings:
    """How a run is made. Raises `EvolveError` for a flag that the engine does not know or can't take.

    Attributes:
        corpus: what becomes of the pairs.
        engine: flags of `python -m core.nmt`, name → value; they win over what is worked out from the corpus.
        epochs: how often each pair is learned, where `engine` sets no `num_train_steps`.
        min_steps: least steps of training, likewise; a small corpus needs more epochs than a large one.
        analyser: the morpheme analyser, `konlpy` or `mecab`.
        threads: most threads of the engine; None as many as there are cores.
        niceness: added to the engine's nice value, so that a server on the same machine goes first.
        min_free_bytes: free disk space without which no run is begun.
        from_scratch: train from nothing, although going on from the live model would do.
        force: make the new version live whatever the gate says of it.
        by: who asked for the run, for the log of publications; may be empty.
        emphasis: how often a correction is learned for every time that another pair is, in training from scratch.
    """

    corpus: CorpusSettings = field(default_factory=CorpusSettings)
    engine: Mapping[str, FlagValue] = field(default_factory=lambda: dict(_DEFAULT_ENGINE))
    epochs: int = 24
    min_steps: int = 1200
    analyser: str = "konlpy"
    threads: int | None = None
    niceness: int = 10
    min_free_bytes: int = 500_000_000
    from_scratch: bool = False
    force: bool = False
    by: str = ""
    emphasis: int = 2

    def __post_init__(self) -> None:
        try:
            HParams.from_values(self.engine)
        except NmtError as error:
            raise EvolveError(str(error)) from error

    def training_flags(self, corpus: Corpus) -> dict[str, FlagValue]:
        """The engine's flags for training on `corpus`: its lengths, as many steps as it needs, and `engine`."""
        longest_answer = max(len(example.target) for example in corpus.train)
        batch_size = int(self.engine.get("batch_size", 128))
        steps = max(self.min_steps, self.epochs * math.ceil(len(corpus.train) / batch_size))
        steps = int(self.engine.get("num_train_steps", steps))
        return {
            "src_max_len": max(len(example.source) for example in corpus.train),
            "tgt_max_len": longest_answer,
            # The engine's own bound depends on the questions that are answered at once, and would cut an answer
            # short in one batch that it gives whole in another.
            "src_max_len_infer": self.corpus.src_max_len,
            "tgt_max_len_infer": longest_answer + 1,
            "num_train_steps": steps,
            "warmup_steps": min(200, steps // 10),
            "steps_per_stats": max(1, min(100, steps // 20)),
            "steps_per_external_eval": max(1, steps // 20),
            # Dev chooses among the last weights only: early ones that happen to score well have not learned yet.
            "best_from_step": steps * 9 // 10,
            # The run's log and progress are shown already; a version keeps only what answering needs.
            "summaries": False,
            **self.thread_flags(),
            **self.engine,
        }

    def thread_flags(self) -> dict[str, FlagValue]:
        """The engine's flags that hold it to `threads`."""
        if self.threads is None:
            return {}
        return {"num_intra_threads": self.threads, "num_inter_threads": self.threads}
