"""From near questions to answers: nearest neighbours vote, each for its own answer."""

from __future__ import annotations

from collections.abc import Iterable

from core.memory.lesson import Match
from core.text import normalise, question_key

_POWER = 4  # of a similarity as a vote: one near question outweighs several that are half as near


def candidates(matches: Iterable[Match]) -> list[tuple[str, float]]:
    """The answers of `matches`, which come best first, each once with its support (above 0), best first.

    Every question votes for its answer with its similarity to the fourth power, so that an answer with several near
    questions wins. A question with several answers votes for the first of them alone, the newest. The answer of the
    very question that was asked (similarity 1.0) comes first, whatever the others vote for.
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
        support[answer] = support.get(answer, 0.0) + match.similarity**_POWER
        if match.similarity == 1.0:
            exact = answer
    order = sorted(support, key=lambda answer: (answer != exact, -support[answer]))
    return [(spelt[answer], support[answer]) for answer in order]
