"""What speaks for each candidate answer: how near the rows are that give it, and how likely the engine finds it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.memory import Match, candidates
from core.text import normalise

_NO_VOTES = 1e-3  # stands for none
_LEAST = -10.0  # mean log-probability of a token; below it the engine says no more than no


@dataclass(frozen=True, slots=True)
class Evidence:
    """Numbers about one candidate answer to one question. A calibration weighs them.

    Attributes:
        similarity: of the nearest reviewed question that has this answer, 0 to 1; 0 where none near has it.
        support: log of the votes of all near questions with this answer (`core.memory.candidates`), -7 and above.
        nearest: similarity of the nearest reviewed question, whatever its answer.
        log_prob: the engine's mean log-probability of a token, -10 to 0.
        lead: `log_prob` less that of the candidate that the engine finds likeliest, 0 and below.
        unreviewed: 1 where no near question has this answer and the engine alone proposes it.
    """

    similarity: float = 0.0
    support: float = 0.0
    nearest: float = 0.0
    log_prob: float = 0.0
    lead: float = 0.0
    unreviewed: float = 0.0


FEATURES = tuple(Evidence.__dataclass_fields__)


def remembered(matches: Sequence[Match]) -> dict[str, tuple[str, float, float]]:
    """The answers of `matches`, which come best first: normalised → as it stands, similarity and votes, best first."""
    similarity: dict[str, float] = {}
    for match in matches:
        similarity.setdefault(normalise(match.answer), match.similarity)
    return {normalise(text): (text, similarity[normalise(text)], votes) for text, votes in candidates(matches)}


def weigh(
    answers: Sequence[str], found: Mapping[str, tuple[str, float, float]], likely: Mapping[str, float] | None
) -> list[Evidence]:
    """What speaks for each of `answers`, normalised.

    Args:
        answers: the candidates of one question.
        found: what memory `remembered` for it.
        likely: of each candidate the geometric mean of its tokens' probabilities; None where the engine is not asked.
    """
    nearest = max((similarity for _, similarity, _ in found.values()), default=0.0)
    means = [_log(likely.get(answer, 0.0)) if likely is not None else 0.0 for answer in answers]
    best = max(means, default=0.0)
    evidence = []
    for answer, mean in zip(answers, means, strict=True):
        _, similarity, votes = found.get(answer, ("", 0.0, 0.0))
        unreviewed = float(answer not in found)
        evidence.append(Evidence(similarity, math.log(votes + _NO_VOTES), nearest, mean, mean - best, unreviewed))
    return evidence


def _log(probability: float) -> float:
    return max(_LEAST, math.log(probability)) if probability > 0 else _LEAST
