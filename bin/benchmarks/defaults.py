"""`bin/bench defaults`: the same short training with one setting changed at a time."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.machine import say
from benchmarks.makedata import run
from core.corpus import Pair
from core.errors import JaramError
from core.evolve import EvolveSettings
from core.registry import Registry

# What `defaults` tries: each is makedata's own settings with these flags of the engine instead.
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "makedata's defaults": {},
    "Adam 0.002, batch 64, no warmup": {"learning_rate": 0.002, "batch_size": 64, "warmup_steps": 0},
    "Adam 0.003, batch 64, no warmup": {"learning_rate": 0.003, "batch_size": 64, "warmup_steps": 0},
    "Adam 0.006, batch 64, no warmup": {"learning_rate": 0.006, "batch_size": 64, "warmup_steps": 0},
    "Adam 0.003, batch 128, no warmup": {"learning_rate": 0.003, "batch_size": 128, "warmup_steps": 0},
    "one direction": {"encoder_type": "uni"},
    "128 units": {"num_units": 128},
    "dropout 0.2": {"dropout": 0.2},
    "4 layers × 128, SGD 1.0, batch 128": {
        "num_layers": 4,
        "num_units": 128,
        "encoder_type": "uni",
        "optimizer": "sgd",
        "learning_rate": 1.0,
        "warmup_steps": 0,
        "decay_scheme": "",
        "batch_size": 128,
        "dropout": 0.2,
    },
}


def defaults(pairs: Sequence[Pair], epochs: int, names: Sequence[str]) -> None:
    """Train each variant for as many epochs and print a row for it."""
    say(f"\n{len(pairs)} pairs, {epochs} epochs each\n")
    say("| variant | steps | minutes of training | uptake | unseen BLEU | unseen chrF |\n|---|---|---|---|---|---|")
    for name in names:
        base = EvolveSettings()
        settings = replace(base, engine={**base.engine, **VARIANTS[name]}, epochs=epochs, min_steps=1)
        with tempfile.TemporaryDirectory() as scratch:
            registry = Registry(Path(scratch))
            summary = run(pairs, registry, settings)
            steps = registry.get(str(summary.run)).manifest.hparams["num_train_steps"]
        scores = summary.scores
        if scores is None:
            raise JaramError(f"{name} has no scores")
        say(
            f"| {name} | {steps} | {summary.seconds['train'] / 60:.1f} | {scores.uptake:.1%} "
            f"| {scores.heldout_bleu:.2f} | {scores.heldout_chrf:.2f} |"
        )
