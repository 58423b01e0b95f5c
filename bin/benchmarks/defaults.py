"""`bin/bench defaults`: the same short training with one choice changed at a time."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.machine import print_table, say
from benchmarks.paraphrases import Asked, hold_out, nearest_answers, share_right
from benchmarks.quality import measure
from core.corpus import Pair
from core.evolve import EvolveSettings
from core.evolve.augmentation import AugmentationSettings
from core.registry import Registry
from core.text import normalise

_DRAW = "a"


@dataclass(frozen=True)
class Variant:
    """Makedata's own settings, with these flags of the engine and these settings instead."""

    engine: Mapping[str, Any] = field(default_factory=dict)
    augmentation: AugmentationSettings | None = None
    min_frequency: int | None = None
    one_vocabulary: bool = False
    dev_share: float = 0.0

    def settings(self, epochs: int) -> EvolveSettings:
        """What makedata is given, with nothing held out but what is held out here, and `dev_share`."""
        base = EvolveSettings()
        corpus = replace(base.corpus, min_bulk=0, dev_share=self.dev_share, test_share=0.0)
        corpus = replace(corpus, one_vocabulary=self.one_vocabulary)
        if self.min_frequency:
            corpus = replace(corpus, min_frequency=self.min_frequency)
        return replace(
            base,
            corpus=corpus,
            engine={**base.engine, **self.engine},
            augmentation=self.augmentation or base.augmentation,
            epochs=epochs,
            min_steps=1,
        )


VARIANTS: Mapping[str, Variant] = {
    "makedata's defaults": Variant(),
    "no noise": Variant(augmentation=AugmentationSettings(copies=0)),
    "all copies noisy": Variant(augmentation=AugmentationSettings(share=1.0)),
    "no words left out": Variant(augmentation=AugmentationSettings(dropped=0.0)),
    "half the words left out": Variant(augmentation=AugmentationSettings(dropped=0.5)),
    "128 units": Variant({"num_units": 128}),
    "one direction": Variant({"encoder_type": "uni"}),
    "decoder of one layer": Variant({"num_encoder_layers": 2, "num_decoder_layers": 1}),
    "residual": Variant({"residual": True}),
    "dropout 0.1": Variant({"dropout": 0.1}),
    "dropout 0.3": Variant({"dropout": 0.3}),
    "no further readings": Variant({"leave_one_out": 0.0}),
    "one member": Variant({"members": 1}),
    "label smoothing 0.1": Variant({"label_smoothing": 0.1}),
    "one vocabulary and embedding": Variant(one_vocabulary=True),
    "every morpheme a token": Variant(min_frequency=1),
    "rare below 5": Variant(min_frequency=5),
    "Adam 0.002": Variant({"learning_rate": 0.002}),
    "batch 128": Variant({"batch_size": 128}),
    "no decay": Variant({"decay_scheme": ""}),
    # Dev decides whether the mean is served.
    "mean of checkpoints, with 1 % as dev": Variant({"avg_ckpts": True}, dev_share=0.01),
    "4 layers × 128, SGD 1.0, batch 128": Variant(
        {
            "num_layers": 4,
            "num_units": 128,
            "encoder_type": "uni",
            "optimizer": "sgd",
            "learning_rate": 1.0,
            "warmup_steps": 0,
            "decay_scheme": "",
            "batch_size": 128,
            "dropout": 0.2,
        }
    ),
}


def part(pairs: Sequence[Pair], held: Sequence[Asked], count: int) -> list[Pair]:
    """All pairs with an answer to what is held out, and others drawn at random up to `count`."""
    right = frozenset[str]().union(*(one.right for one in held))
    needed = [pair for pair in pairs if normalise(pair.answer) in right]
    others = [pair for pair in pairs if normalise(pair.answer) not in right]
    return needed + random.Random(0).sample(others, min(len(others), max(0, count - len(needed))))


def defaults(pairs: Sequence[Pair], count: int, epochs: int, names: Sequence[str]) -> None:
    """Train each variant for as many epochs on a part of `pairs`, and print a row for it.

    The paraphrases are others than those that `bin/bench quality` reports: these are here to choose by.
    """
    rest, held = hold_out(pairs, _DRAW)
    pairs = part(rest, held, count)
    say(f"\n{len(pairs)} pairs, {epochs} epochs each, {len(held)} paraphrases held out\n")
    nearest = max(share_right(held, nearest_answers(pairs, held, by=by)) for by in ("morphemes", "characters"))
    say(f"The nearest trained question (TF-IDF) has a right answer to {nearest:.1%} of them.\n")
    head = (
        "variant",
        "steps",
        "minutes",
        "uptake",
        "paraphrases",
        "free",
        "fluent",
        "noisy",
        "distinct-1",
        "distinct-2",
    )
    print_table(head, (_row(name, pairs, held, epochs) for name in names))


def _row(name: str, pairs: Sequence[Pair], held: Sequence[Asked], epochs: int) -> tuple[str, ...]:
    settings = VARIANTS[name].settings(epochs)
    with tempfile.TemporaryDirectory() as scratch:
        registry = Registry(Path(scratch))
        measured = measure(pairs, held, registry, settings)
        steps = registry.runs()[-1].manifest.hparams["num_train_steps"]
    return (
        name,
        str(steps),
        f"{measured.seconds['train'] / 60:.1f}",
        f"{measured.scores.uptake:.1%}",
        f"{measured.paraphrases:.1%}",
        f"{measured.free:.1%}",
        f"{measured.fluent:.1%}",
        f"{measured.all_noise:.1%}",
        *(f"{share:.2f}" for share in measured.distinct),
    )
