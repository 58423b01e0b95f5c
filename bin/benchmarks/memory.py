"""`bin/bench memory`: how fast reviewed answers are found again among many, and how often they are the right ones."""

from __future__ import annotations

import random
import resource
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.answering import noisy_forms
from benchmarks.machine import print_table, say
from benchmarks.paraphrases import Asked, hold_out, nearest_answers, right_answers, share_right
from core.corpus import Pair
from core.memory import SURE, Lesson, Match, Memory, candidates
from core.text import Tokenizer, get_analyser, normalise, normalise_question

UNRELATED = Path(__file__).parent / "data" / "unrelated_dev.txt"  # others than those that `bin/bench hybrid` reports

_ASKED = 1000  # questions of the timing
_NOISY = 1000  # questions of which noisy forms are asked
_NEAREST = 20
_THRESHOLDS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7)
_RANKS = (1, 5, 10)


def measure_speed(pairs: Sequence[Pair], count: int) -> None:
    """Print what loading, finding and adding cost with `count` pairs, made of halves of the questions of `pairs`."""
    tokenizer = Tokenizer(get_analyser())
    halves = Halves([pair.question for pair in pairs])
    drawn = halves.draw(count)
    answers = [pair.answer for pair in pairs]
    before = peak_megabytes()
    memory, begun = Memory(tokenizer), Clock()
    memory.put(
        Lesson(row, halves.question(*places), "".join(answers[row % len(answers)])) for row, places in enumerate(drawn)
    )
    load = begun.passed()
    grown = peak_megabytes() - before
    found = [_time(memory, question) for question in _questions(halves, drawn)]
    say(f"\n{memory.size} pairs in memory, {grown:.0f} MB more than before at the peak\n")
    rows = {
        "load, s": load,
        f"find, median of {_ASKED}, ms": tuple(statistics.median(side) * 1e3 for side in zip(*found, strict=True)),
        "find, p99, ms": tuple(sorted(side)[len(found) * 99 // 100] * 1e3 for side in zip(*found, strict=True)),
        "a row added until it is found, s": _add(memory),
    }
    # On a machine that does other work too, the processor's time is what can be compared.
    print_table(
        ("what", "by the clock", "of the processor"),
        [(name, f"{clock:.3g}", f"{processor:.3g}") for name, (clock, processor) in rows.items()],
    )


class Clock:
    """Seconds since it was made: by the clock, and of the processor in all threads."""

    def __init__(self) -> None:
        self._begun = time.perf_counter(), time.process_time()

    def passed(self) -> tuple[float, float]:
        """The seconds up to now."""
        return time.perf_counter() - self._begun[0], time.process_time() - self._begun[1]


class Halves:
    """Questions made of the first half of one and the second half of another."""

    def __init__(self, questions: Sequence[str]) -> None:
        words = [question.split() for question in questions]
        self._first = [" ".join(one[: (len(one) + 1) // 2]) for one in words]
        self._second = [" ".join(one[(len(one) + 1) // 2 :]) for one in words]

    def draw(self, count: int) -> list[tuple[int, int]]:
        """So many different questions, as the places of their halves."""
        rng, size = random.Random(7), len(self._first)
        drawn: dict[tuple[int, int], None] = {}
        while len(drawn) < count:
            drawn[rng.randrange(size), rng.randrange(size)] = None
        return list(drawn)

    def question(self, first: int, second: int) -> str:
        """The question that is made of the halves at these places."""
        return f"{self._first[first]} {self._second[second]}".strip()


def _questions(halves: Halves, drawn: Sequence[tuple[int, int]]) -> Iterator[str]:
    """Half of them as in memory but for their spaces, half never seen."""
    rng = random.Random(8)
    for number in range(_ASKED):
        known = halves.question(*rng.choice(drawn))
        yield known.replace(" ", "") if number % 2 else f"{known} {halves.question(*rng.choice(drawn))}"[:40]


def _time(memory: Memory, question: str) -> tuple[float, float]:
    begun = Clock()
    memory.find(question, _NEAREST)
    return begun.passed()


def _add(memory: Memory) -> tuple[float, float]:
    row, question = memory.size + 1, "방금 검토한 질문도 바로 찾아?"
    begun = Clock()
    memory.put([Lesson(row, question, "네.")])
    if memory.find(question)[0].row != row:
        raise RuntimeError("the row that was added is not found")
    return begun.passed()


def peak_megabytes() -> float:
    """The most memory that this process had so far: kilobytes in Linux, bytes in macOS (getrusage(2))."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def measure_quality(pairs: Sequence[Pair], draw: str) -> None:
    """Print how often memory alone is right: for paraphrases, for noisy forms, and for what it can't know."""
    rest, held = hold_out(pairs, draw)
    memory = taught(rest)
    found = [memory.find(one.question, _NEAREST) for one in held]
    unrelated = [memory.find(question, 1) for question in UNRELATED.read_text(encoding="utf-8").split("\n")[:-1]]
    say(f"\n{len(held)} paraphrases held out; {len(unrelated)} questions that nothing in the file answers\n")
    rows = [(f"memory: the right answer is among the first {rank}", _share(held, found, rank)) for rank in _RANKS]
    for by in ("morphemes", "characters"):
        rows.append((f"nearest question by TF-IDF of {by}", share_right(held, nearest_answers(rest, held, by=by))))
    print_table(("without a threshold", "right"), [(name, f"{share:.1%}") for name, share in rows])
    say(f"\nAnswered by memory from this similarity on (the default is {SURE}):\n")
    print_table(
        ("similarity", "paraphrases answered", "paraphrases right", "right of these", "unrelated answered: all false"),
        (_at(threshold, held, found, unrelated) for threshold in _THRESHOLDS),
    )
    say("\nNoisy forms of all questions of the file, and how often memory's first answer is right:\n")
    _print_noise(pairs)


def taught(pairs: Sequence[Pair]) -> Memory:
    """A memory of `pairs`, in their order."""
    memory = Memory(Tokenizer(get_analyser()))
    memory.put(Lesson(row, pair.question, pair.answer) for row, pair in enumerate(pairs, start=1))
    return memory


def _share(asked: Sequence[Asked], found: Sequence[Sequence[Match]], rank: int) -> float:
    return sum(_is_right(one, matches, rank) for one, matches in zip(asked, found, strict=True)) / len(asked)


def _is_right(asked: Asked, matches: Sequence[Match], rank: int = 1) -> bool:
    return any(normalise(answer) in asked.right for answer, _ in candidates(matches)[:rank])


def _at(
    threshold: float, held: Sequence[Asked], found: Sequence[Sequence[Match]], unrelated: Sequence[Sequence[Match]]
) -> tuple[str, ...]:
    """A row of the table of thresholds."""
    answered = [pair for pair in zip(held, found, strict=True) if _nearest(pair[1]) >= threshold]
    right = sum(_is_right(*pair) for pair in answered)
    false = sum(_nearest(matches) >= threshold for matches in unrelated)
    return (
        f"{threshold:g}",
        f"{len(answered) / len(held):.1%}",
        f"{right / len(held):.1%}",
        f"{right / max(1, len(answered)):.1%}",
        f"{false / len(unrelated):.1%}",
    )


def _nearest(matches: Sequence[Match]) -> float:
    return matches[0].similarity if matches else 0.0


def _print_noise(pairs: Sequence[Pair]) -> None:
    memory = taught(pairs)
    right = right_answers(pairs)
    asked = [
        Asked(question, right[question]) for question in dict.fromkeys(normalise_question(p.question) for p in pairs)
    ]
    rows, forms, rights = [], 0, 0
    for noise in noisy_forms(asked, _NOISY):
        found = [memory.find(one.question, _NEAREST) for one in noise.asked]
        good = sum(_is_right(*pair) for pair in zip(noise.asked, found, strict=True))
        sure = sum(_nearest(matches) >= SURE for matches in found)
        count = max(1, len(found))
        rows.append((noise.kind.value, str(len(found)), f"{good / count:.1%}", f"{sure / count:.1%}"))
        forms, rights = forms + len(found), rights + good
    print_table(
        ("kind", "forms", "right", f"similarity of {SURE} or more"),
        [*rows, ("all", str(forms), f"{rights / forms:.1%}", "")],
    )
