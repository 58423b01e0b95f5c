"""`bin/bench reply`: how fast a trained model answers, in turn with the peers."""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.drivers.protocol import Setup
from benchmarks.machine import print_table, say
from benchmarks.peers import PLACE, Engine, engines
from benchmarks.training import print_versions
from benchmarks.turns import Driver, drivers

BATCHES = (1, 8, 32, 64)
BEAMS = (0, 10)


@dataclass(slots=True)
class Measured:
    """All calls of one engine in one setting: seconds and output tokens of each, and each turn's sentences a second."""

    seconds: list[float] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)

    def add(self, answer: dict[str, list[float]], batch_size: int) -> None:
        """A turn's answer."""
        self.seconds += answer["seconds"]
        self.tokens += map(int, answer["tokens"])
        self.rates.append(batch_size * len(answer["seconds"]) / sum(answer["seconds"]))

    def row(self, batch_size: int) -> tuple[str, ...]:
        """Latency of a call, median and p99; sentences and tokens a second; tokens of an answer."""
        ordered = sorted(self.seconds)
        p99 = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
        rate = statistics.median(self.rates)
        length = sum(self.tokens) / (batch_size * len(self.seconds))
        return (
            f"{1000 * statistics.median(ordered):.1f}",
            f"{1000 * p99:.1f}",
            f"{rate:,.0f}",
            f"{rate * length:,.0f}",
            f"{length:.1f}",
        )


def train_models(setup: Setup, steps: int) -> None:
    """Train each engine's model for `steps`, unless it is there from an earlier call with the same setup."""
    for engine in engines():
        receipt = PLACE / "work" / engine.driver / "fitted.txt"
        wanted = f"{setup._replace(work='')} {steps}\n"
        if receipt.exists() and receipt.read_text(encoding="utf-8") == wanted:
            continue
        clear(engine)
        with drivers([engine], setup, "fit") as [driver]:
            driver.ask("fit", steps=steps)
        receipt.write_text(wanted, encoding="utf-8")


def clear(engine: Engine) -> None:
    """Remove an engine's earlier models."""
    shutil.rmtree(PLACE / "work" / engine.driver, ignore_errors=True)
    (PLACE / "work" / engine.driver).mkdir(parents=True)


def measure_replies(setup: Setup, questions: Sequence[Sequence[str]], rounds: int, calls: int, steps: int) -> None:
    """For each batch size and search print a table of all engines."""
    train_models(setup, steps)
    with drivers(engines(), setup, "reply") as found:
        print_versions(found)
        say(
            f"\nModels trained for {steps} steps of {setup.batch_size} pairs each; questions that they have not seen; "
            f"{rounds} turns; at most {calls} calls a turn. An answer's tokens are those without its end."
        )
        for beam_width in BEAMS:
            for batch_size in BATCHES:
                batches = cut(questions, batch_size, calls)
                results = measure_setting(found, batches, beam_width, rounds)
                search = f"beam {beam_width}" if beam_width else "greedy"
                say(f"\n{search}, {f'{batch_size} at once' if batch_size > 1 else 'one by one'}\n")
                print_results(results, batch_size)


def cut(questions: Sequence[Sequence[str]], batch_size: int, calls: int) -> list[Sequence[Sequence[str]]]:
    """As many whole batches of the questions as there are, at most `calls`."""
    starts = range(0, len(questions) - batch_size + 1, batch_size)
    return [questions[at : at + batch_size] for at in starts[:calls]]


def measure_setting(
    found: Sequence[Driver], batches: Sequence[Sequence[Sequence[str]]], beam_width: int, rounds: int
) -> dict[str, Measured]:
    """`rounds` turns of each engine, after a few calls that do not count."""
    results = {driver.engine.name: Measured() for driver in found}
    for driver in found:
        driver.ask("reply", batches=batches[:4], beam_width=beam_width)
    for _ in range(rounds):
        for driver in found:
            answer = driver.ask("reply", batches=batches, beam_width=beam_width)
            results[driver.engine.name].add(answer, len(batches[0]))
    return results


def print_results(results: dict[str, Measured], batch_size: int) -> None:
    """One table; the ratios are medians over the turns."""
    own, *_ = results.values()
    print_table(
        ("engine", "median ms", "p99 ms", "sentences/s", "tokens/s", "tokens/answer", "Jaram is faster by"),
        (
            (name, *measured.row(batch_size), "" if measured is own else faster(own, measured))
            for name, measured in results.items()
        ),
    )


def faster(own: Measured, other: Measured) -> str:
    """By sentences, and by tokens, a second."""
    sentences = statistics.median(a / b for a, b in zip(own.rates, other.rates, strict=True))
    lengths = sum(own.tokens) / len(own.tokens) / max(1e-9, sum(other.tokens) / len(other.tokens))
    return f"{sentences:.2f}× in sentences, {sentences * lengths:.2f}× in tokens"
