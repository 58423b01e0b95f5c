"""What may be decided about a run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from core.corpus import Corpus, CorpusSettings
from core.evolve.augmentation import AugmentationSettings
from core.evolve.errors import EvolveError
from core.evolve.gate import GateSettings
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
    "dropout": 0.2,
    "batch_size": 64,
    "num_buckets": 25,
    "known_targets": True,
    "infer_mode": "beam_search",
    "beam_width": 5,
    "length_penalty_weight": 1.0,
    "leave_one_out": 0.75,
    "members": 2,
}

_WARM_ENGINE: Mapping[str, FlagValue] = {
    "optimizer": "adam",
    "learning_rate": 0.001,
    "decay_scheme": "cosine",
    "dropout": 0.1,
}


@dataclass(frozen=True)
class WarmSettings:
    """How training goes on from the live model's weights.

    Attributes:
        engine: flags of the engine that differ from those of training from scratch.
        min_steps: most steps for a few corrections; it ends sooner, once all are learned and no more than `max_lost` is
            lost.
        draws: most steps for many, in batches that each of them is in.
        goal_share: share of each batch that is drawn from what is to be learned; the rest is replay.
        steps_per_check: steps from asking what is to be learned to asking again.
        max_lost: share of the earlier answers that may be lost when it ends; below the gate's own bar, which is
            measured anew.
        noisy: share of the pairs that are rehearsed with a noisy question as well; each is tokenised anew, which takes
            time.
        max_change: share of the pairs that may be new, changed or gone; beyond it training begins from scratch.
        min_changes: so many may be in any case, however small the corpus.
    """

    engine: Mapping[str, FlagValue] = field(default_factory=lambda: dict(_WARM_ENGINE))
    min_steps: int = 200
    draws: int = 40
    goal_share: float = 0.25
    steps_per_check: int = 20
    max_lost: float = 0.003
    noisy: float = 0.2
    max_change: float = 0.1
    min_changes: int = 50


@dataclass(frozen=True)
class EvolveSettings:
    """How a run is made. Raises `EvolveError` for a flag that the engine does not know or can't take.

    Attributes:
        corpus: what becomes of the pairs.
        engine: flags of `python -m core.nmt`, name → value; they win over what is worked out from the corpus. One
            member is left where the others would never be asked.
        epochs: how often each pair is learned, where `engine` sets no `num_train_steps`.
        min_steps: least steps of training, likewise; a small corpus needs more epochs than a large one.
        analyser: the morpheme analyser, `konlpy` or `mecab`.
        threads: most threads of the engine; None as many as there are cores.
        niceness: added to the engine's nice value, so that a server on the same machine goes first.
        min_free_bytes: free disk space without which no run is begun.
        from_scratch: train from nothing, although going on from the live model would do.
        gate: how high the bars are that it has to clear to become live.
        force: make the new version live whatever the gate says of it.
        by: who asked for the run, for the log of publications; may be empty.
        warm: how training goes on from the live model.
        augmentation: how many noisy copies of the questions are learned beside them.
        emphasis: how often a correction is learned for every time that another pair is, in training from scratch.
    """

    corpus: CorpusSettings = field(default_factory=CorpusSettings)
    engine: Mapping[str, FlagValue] = field(default_factory=lambda: dict(_DEFAULT_ENGINE))
    epochs: int = 38
    min_steps: int = 2000
    analyser: str = "konlpy"
    threads: int | None = None
    niceness: int = 10
    min_free_bytes: int = 1_000_000_000
    from_scratch: bool = False
    gate: GateSettings = field(default_factory=GateSettings)
    force: bool = False
    by: str = ""
    warm: WarmSettings = field(default_factory=WarmSettings)
    augmentation: AugmentationSettings = field(default_factory=AugmentationSettings)
    emphasis: int = 2

    def __post_init__(self) -> None:
        try:
            hparams = HParams.from_values(self.engine)
            HParams.from_values({**self.engine, **self.warm.engine})
        except NmtError as error:
            raise EvolveError(str(error)) from error
        if hparams.members > 1 and not hparams.reads_again:
            object.__setattr__(self, "engine", {**self.engine, "members": 1})

    @property
    def hparams(self) -> HParams:
        """The engine's hyperparameters, but for those that are worked out from a corpus."""
        return HParams.from_values({"share_vocab": self.corpus.one_vocabulary, **self.engine})

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
            "share_vocab": self.corpus.one_vocabulary,
            **self.thread_flags(),
            **self.engine,
        }

    def warm_flags(self, corpus: Corpus, goals: int) -> dict[str, FlagValue]:
        """The engine's flags for going on from a model of the same shape until all `goals` are learned."""
        a_batch = self.warm.goal_share * int(self.engine.get("batch_size", 128))
        steps = max(self.warm.min_steps, math.ceil(self.warm.draws * goals / a_batch))
        steps = int(self.engine.get("num_train_steps", steps))
        return {
            **self.training_flags(corpus),
            "num_train_steps": steps,
            # The optimizer begins with nothing: its first steps would be the largest.
            "warmup_steps": min(self.warm.steps_per_check, steps // 10),
            "steps_per_stats": self.warm.steps_per_check,
            **self.warm.engine,
            "goal_share": self.warm.goal_share,
            "steps_per_goal_check": self.warm.steps_per_check,
            "max_lost": self.warm.max_lost,
        }

    @property
    def warm_augmentation(self) -> AugmentationSettings:
        """How many copies are rehearsed where training goes on: it reads each pair about once."""
        whole = self.augmentation
        return replace(whole, copies=min(1, whole.copies), share=min(self.warm.noisy, whole.share))

    def thread_flags(self) -> dict[str, FlagValue]:
        """The engine's flags that hold it to `threads`."""
        if self.threads is None:
            return {}
        return {"num_intra_threads": self.threads, "num_inter_threads": self.threads}
