"""Whether scores mean what they say: of all answers scored 0.7, are seven in ten right?

Guo et al. (2017), "On Calibration of Modern Neural Networks", section 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """The answers with scores above `low` (or 0) up to `high`: how many, their mean score, and the share right."""

    low: float
    high: float
    count: int
    score: float
    right: float


def reliability(scores: Sequence[float], right: Sequence[bool], bins: int = BINS) -> list[Bin]:
    """`bins` of equal width, Eq. 2; those without answers are left out. Raises `ValueError` for a score out of 0 to 1.

    A score on the border of two belongs to the lower one, as in the paper, and 0 to the first.
    """
    members: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for score, is_right in zip(scores, right, strict=True):
        if not 0 <= score <= 1:
            raise ValueError(f"{score} is no score from 0 to 1")
        place = next(place for place in range(bins) if score <= (place + 1) / bins)
        members[place].append((score, is_right))
    return [
        Bin(
            low=place / bins,
            high=(place + 1) / bins,
            count=len(some),
            score=sum(score for score, _ in some) / len(some),
            right=sum(is_right for _, is_right in some) / len(some),
        )
        for place, some in enumerate(members)
        if some
    ]


def calibration_error(scores: Sequence[float], right: Sequence[bool], bins: int = BINS) -> float:
    """The expected calibration error, Eq. 3: the bins' |share right − mean score|, each counted by its answers; 0 of
    none.
    """
    found = reliability(scores, right, bins)
    return sum(one.count * abs(one.right - one.score) for one in found) / max(1, len(scores))
