"""Corrections drawn at random from a file's own pairs, so that how fast they are learned can be measured."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.corpus import Pair
from core.text import normalise

# Questions that the parent never sees, from which the new rows are drawn: one parent serves many seeds.
HELD_BACK = 100


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was reviewed before the parent was trained, and what has been reviewed since, which comes after it."""

    before: list[Pair]
    corrections: list[Pair]


def hold_back(pairs: Sequence[Pair]) -> tuple[list[Pair], list[Pair]]:
    """The pairs that a parent learns, and those of `HELD_BACK` questions that it does not."""
    questions = sorted({normalise(pair.question) for pair in pairs})
    held = set(random.Random(0).sample(questions, HELD_BACK))
    before = [pair for pair in pairs if normalise(pair.question) not in held]
    return before, [pair for pair in pairs if normalise(pair.question) in held]


def draw(pairs: Sequence[Pair], count: int, seed: int) -> Drawn:
    """`count` rows as a reviewer would leave them: half new questions, half known ones with another answer.

    The other answer is one that the file gives to another question.
    """
    before, held = hold_back(pairs)
    rng = random.Random(seed)
    new = {normalise(pair.question): pair for pair in rng.sample(held, len(held))}
    chosen = [*new.values()][: count // 2]
    known = {normalise(pair.question): pair for pair in rng.sample(before, len(before))}
    answers = sorted({pair.answer for pair in before})
    for question, pair in [*known.items()][: count - len(chosen)]:
        own = {normalise(other.answer) for other in before if normalise(other.question) == question}
        others = [answer for answer in answers if normalise(answer) not in own]
        chosen.append(replace(pair, answer=rng.choice(others)))
    return Drawn(before, [replace(pair, bulk=False) for pair in chosen])
