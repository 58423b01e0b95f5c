"""How many decisions a reviewer is spared when near-duplicates are decided on at once, on a file of questions."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.machine import print_table, say
from chat.inbox.likeness import ALIKE, Likeness
from core.corpus import Pair
from core.text import Tokenizer, get_analyser, normalise, question_key


@dataclass(frozen=True, slots=True)
class Saved:
    """What grouping comes to.

    Attributes:
        decisions: how many are left, each for a question and those like it.
        joined: questions that were decided on together with another one.
        agreeing: of these, those that have an answer in common with that one in the file.
    """

    decisions: int
    joined: int
    agreeing: int


Nearest = Mapping[str, Sequence[tuple[str, float]]]  # by key: the keys of the nearest questions, and how near they are


def group(nearest: Nearest, answers: Mapping[str, set[str]], alike: float) -> Saved:
    """Decide on distinct questions in their order, each with its neighbours that nobody has decided on yet."""
    decided: set[str] = set()
    decisions = agreeing = 0
    for key, others in nearest.items():
        if key in decided:
            continue
        near = {other for other, similarity in others if similarity >= alike} - decided
        decided |= {key, *near}
        decisions += 1
        agreeing += sum(bool(answers[key] & answers[other]) for other in near)
    return Saved(decisions, len(nearest) - decisions, agreeing)


def measure_grouping(pairs: Sequence[Pair], bars: Sequence[float]) -> None:
    """Print what grouping saves at some bars of similarity, the inbox's own among them."""
    answers: dict[str, set[str]] = defaultdict(set)
    distinct: dict[str, str] = {}
    for pair in pairs:
        key = question_key(pair.question)
        answers[key].add(normalise(pair.answer))
        distinct.setdefault(key, pair.question)
    say(f"\n{len(pairs)} open rows, {len(distinct)} distinct questions\n")
    nearest, seconds = _look_up(distinct)
    lines = [_line(group(nearest, answers, bar), bar, len(pairs)) for bar in sorted({*bars, ALIKE})]
    print_table(("bar", "decisions", "saved", "joined to another question", "same answer in the file"), lines)
    median, slow = (1000 * seconds[len(seconds) * share // 100] for share in (50, 99))
    say(f"\nThe neighbours of one question are found in {median:.1f} ms (median), {slow:.1f} ms (99th percentile).")


def _look_up(distinct: Mapping[str, str]) -> tuple[Nearest, list[float]]:
    """The neighbours of every question, and the seconds that each took, in rising order."""
    likeness = Likeness(Tokenizer(get_analyser()))
    likeness.add(distinct.values())
    nearest, seconds = {}, []
    for key, question in distinct.items():
        begun = time.perf_counter()
        found = likeness.nearest(question)
        seconds.append(time.perf_counter() - begun)
        nearest[key] = [(question_key(other), similarity) for other, similarity in found]
    return nearest, sorted(seconds)


def _line(saved: Saved, bar: float, rows: int) -> tuple[str, ...]:
    agreeing = saved.agreeing / saved.joined if saved.joined else 0.0
    name = f"**{bar:g}**" if bar == ALIKE else f"{bar:g}"
    return name, str(saved.decisions), f"{1 - saved.decisions / rows:.1%}", str(saved.joined), f"{agreeing:.0%}"
