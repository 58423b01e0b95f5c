"""`bin/bench train`: tokens a second of training, in turn with the peers, and the share of the machine's peak."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.drivers.protocol import Setup
from benchmarks.machine import print_table, say
from benchmarks.pairs import Morphemes
from benchmarks.peers import engines
from benchmarks.turns import Driver, drivers


class Cost(NamedTuple):
    """Multiplications and additions of the model's own matrices, forward, in FLOP; the encoder's for a source token,
    the decoder's for a target token, and attention's for a pair of one source and one target token.
    """

    source: float
    target: float
    pair: float


def forward_cost(layers: int, units: int, vocab_size: int) -> Cost:
    """A stack of LSTM layers each side, Luong attention at the top with input feeding, one projection."""
    cell = 2 * (2 * units) * (4 * units)
    bottom = 2 * (3 * units) * (4 * units)  # the token's embedding, the last attention vector, the state
    keys = 2 * units * units
    attention_vector = 2 * (2 * units) * units
    return Cost(
        source=layers * cell + keys,
        target=bottom + (layers - 1) * cell + attention_vector + 2 * units * vocab_size,
        pair=2 * 2 * units,  # the score and the context
    )


def flop_per_target_token(setup: Setup, corpus: Morphemes) -> float:
    """Training's FLOP divided by real target tokens: a product forward takes two more, of the same size, backward."""
    cost = forward_cost(setup.layers, setup.units, corpus.vocab_size)
    total = tokens = 0.0
    for source, target in corpus.lengths:
        target += 1  # </s>
        total += source * cost.source + target * cost.target + source * target * cost.pair
        tokens += target
    return 3 * total / tokens


def measure_training(setup: Setup, corpus: Morphemes, rounds: int, steps: int, warm_up: int) -> None:
    """Turns of `steps` steps each, after `warm_up` steps that do not count; print medians and ratios."""
    sources, targets = (sum(pair[side] for pair in corpus.lengths) for side in (0, 1))
    targets += len(corpus.lengths)
    share = targets / (sources + targets)
    with drivers(engines(), setup, "train") as found:
        print_versions(found)
        for driver in found:
            driver.ask("train", steps=warm_up)
        rates: dict[str, list[float]] = {driver.engine.name: [] for driver in found}
        peaks: list[float] = []
        for _ in range(rounds):
            for driver in found:
                turn = driver.ask("train", steps=steps)
                rates[driver.engine.name].append(turn["tokens"] / turn["seconds"])
            peaks.append(max(found[0].ask("peak", seconds=3.0).values()))
    own = rates[found[0].engine.name]
    say(
        f"\n{rounds} turns of {steps} steps, after {warm_up} steps that do not count; {setup.batch_size} pairs each, "
        f"{sources / len(corpus.lengths):.1f} source and {targets / len(corpus.lengths):.1f} target tokens a pair, "
        f"`</s>` counted; vocabulary {corpus.vocab_size}\n"
    )
    print_table(
        ("engine", "target tokens/s", "source tokens/s", "slowest … fastest turn, target", "Jaram is faster by"),
        (
            (
                name,
                f"{share * statistics.median(rate):,.0f}",
                f"{(1 - share) * statistics.median(rate):,.0f}",
                f"{share * min(rate):,.0f} … {share * max(rate):,.0f}",
                "" if rate is own else ratio(own, rate),
            )
            for name, rate in rates.items()
        ),
    )
    flop = flop_per_target_token(setup, corpus)
    used, peak = share * statistics.median(own) * flop / 1e9, max(peaks)
    say(
        f"\nmatrix peak, the fastest float32 product in the same process: {peak:.0f} GFLOP/s; a target token trained: "
        f"{flop / 1e6:.1f} MFLOP of the model's own matrices at real tokens; so {used:.1f} GFLOP/s, {used / peak:.0%} "
        "of the peak"
    )


def ratio(own: Sequence[float], other: Sequence[float]) -> str:
    """The median of the ratios of neighbouring turns, and the span they lie in."""
    ratios = [a / b for a, b in zip(own, other, strict=True)]
    return f"{statistics.median(ratios):.2f}× ({min(ratios):.2f} … {max(ratios):.2f})"


def print_versions(found: Sequence[Driver]) -> None:
    """The versions that each process told."""
    for driver in found:
        versions = ", ".join(f"{name} {value}" for name, value in driver.versions.items() if name != "engine")
        say(f"    {driver.versions['engine']}: {versions}")
