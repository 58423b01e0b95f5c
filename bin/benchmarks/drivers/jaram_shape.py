"""The shape that all engines train, as this project's engine takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.nmt.hparams import HParams

if TYPE_CHECKING:
    from benchmarks.drivers.protocol import Setup

# Steps between two log lines, which is as fine as a turn can be cut.
STATS = 10


def make_hparams(setup: Setup, steps: int) -> HParams:
    """The setup as hyperparameters, for a training of `steps`."""
    return HParams(
        num_layers=setup.layers,
        num_units=setup.units,
        attention="scaled_luong",
        share_vocab=True,
        optimizer="adam",
        learning_rate=setup.learning_rate,
        dropout=setup.dropout,
        batch_size=setup.batch_size,
        num_train_steps=steps,
        steps_per_stats=STATS,
        steps_per_external_eval=max(1, steps),
        random_seed=setup.seed,
        num_intra_threads=setup.threads,
        num_inter_threads=setup.threads,
    )
