"""From near questions to answers: nearest neighbours vote, each for its own answer."""

from __future__ import annotations

import math
from collections.abc import Iterable

from core.memory.lesson import Match
from core.text import normalise, question_key

# A vote is (s / (1 - s))^1.5 · √shared: the odds that a similarity s tells of outweigh everything as it nears 1, and of
# two that are as near, the answer that fitted more questions already is the safer one.
_SHARPNESS = 1.5
_NEAREST = 0.999  # similarity from which on odds grow no more


def candidates(matches: Iterable[Match]) -> list[tuple[str, float]]:
    """The answers of `matches`, which come best first, each once with its support (above 0), best first.

    Every question votes for its answer, so that one with several near questions wins. A question with several answers
    votes for the first of them alone, the newest. The answer of the very question that was asked (similarity 1.0) comes
    first, whatever the others vote for.
    """
    support: dict[str, float] = {}
    spelt: dict[str, str] = {}
    voted: set[str] = set()
    exact = ""
    for match in matches:
        key, answer = question_key(match.question), normalise(match.answer)
        if key in voted:
            continue
        voted.add(key)
        spelt.setdefault(answer, match.answer)
        support[answer] = support.get(answer, 0.0) + _vote(match)
        if match.similarity == 1.0:
            exact = answer
    order = sorted(support, key=lambda answer: (answer != exact, -support[answer]))
    return [(spelt[answer], support[answer]) for answer in order]


def _vote(match: Match) -> float:
    similarity = min(match.similarity, _NEAREST)
    return math.pow(similarity / (1 - similarity), _SHARPNESS) * math.sqrt(match.shared)
