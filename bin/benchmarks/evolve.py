"""`bin/bench evolve`: how fast corrections are learned, how many of them, and how many earlier answers that costs."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.corrections import Drawn, draw, hold_back
from benchmarks.machine import print_table, say
from benchmarks.makedata import run
from core.corpus import Pair
from core.errors import JaramError
from core.evolve import EvolveSettings, RunSummary
from core.registry import Registry
from core.reply import Responder

_PATIENCE = 60.0  # seconds for a server to take a new model


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: what it came to, and the seconds from its start until a running server answered with it."""

    summary: RunSummary
    seconds: float


def measure_evolving(pairs: Sequence[Pair], rows: int, seeds: Sequence[int], parent: Path | None) -> None:
    """Correct `rows` rows of `pairs` once for each seed, learn them, and print a table.

    `parent` is the data directory whose live model is gone on from; it is only read. Without it one is trained.
    """
    with tempfile.TemporaryDirectory() as scratch:
        live = parent or train_parent(pairs, Path(scratch) / "parent")
        columns = []
        for seed in seeds:
            place = Path(scratch) / f"seed-{seed}"
            columns.append(column(learn(draw(pairs, rows, seed), copy_of_live(live, place))))
            shutil.rmtree(place)
        say("")
        head = ["", *(f"seed {seed}" for seed in seeds)]
        print_table(head, ([name, *(str(one[name]) for one in columns)] for name in columns[0]))


def train_parent(pairs: Sequence[Pair], directory: Path) -> Path:
    """A data directory with a model that knows none of the new rows."""
    run(hold_back(pairs)[0], Registry(directory), EvolveSettings())
    return directory


def copy_of_live(data_dir: Path, place: Path) -> Registry:
    """A registry with a copy of the live model of `data_dir`, live there too."""
    live = Registry(data_dir).current()
    if live is None:
        raise JaramError(f"{data_dir} has no live model: --parent is a data directory with a link current")
    registry = Registry(place)
    shutil.copytree(live.path, registry.models_dir / live.name)
    registry.publish(registry.get(live.name), reason="setup")
    return registry


def learn(drawn: Drawn, registry: Registry) -> Measured:
    """Learn the corrections while a server answers with the parent, and wait until it has taken the new model."""
    with Responder.open(registry.data_dir, mode="neural") as responder:
        start = time.monotonic()
        summary = run([*drawn.before, *drawn.corrections], registry, EvolveSettings())
        while summary.published and responder.model != summary.run:
            if time.monotonic() - start > sum(summary.seconds.values()) + _PATIENCE:
                raise JaramError(f"{summary.run} is live, but the server did not take it")
            time.sleep(0.05)
        return Measured(summary, time.monotonic() - start)


def column(measured: Measured) -> dict[str, str]:
    """The figures of one run by name."""
    summary = measured.summary
    receipt = summary.receipt
    if receipt is None:
        raise JaramError("the run has no receipt")
    lost = f" ({receipt.lost / receipt.earlier:.2%})" if receipt.earlier else ""
    return {
        "way": "on from the live model" if summary.warm else f"from scratch: {summary.why}",
        **{f"minutes, {phase}": f"{seconds / 60:.2f}" for phase, seconds in summary.seconds.items()},
        "minutes, from command to serving": f"{measured.seconds / 60:.2f}",
        "corrections learned, word for word": f"{receipt.learned} of {len(receipt.corrections)}",
        "earlier answers lost": f"{receipt.lost} of {receipt.earlier}{lost}",
        "outcome": summary.status,
    }
