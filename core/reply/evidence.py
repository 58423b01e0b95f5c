"""What speaks for each candidate answer: how near the rows are that give it, or how likely the engine finds it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.memory import Match, candidates

_AGAINST = 1.0
_LEAST = -10.0  # mean log-probability of a token; below it the engine says no more than no


@dataclass(frozen=True, slots=True)
class Evidence:
    """Numbers about one candidate answer to one question. A calibration weighs them.

    Attributes:
        nearest: similarity of the nearest reviewed question, whatever its answer, 0 to 1.
        share: of the votes of all near questions (`core.memory.candidates`) and one against all answers, 0 to 1: that
            of a question half alike, or else one far question alone would decide.
        log_prob: the engine's mean log-probability of a token, -10 to 0; 0 where it is not asked.
    """

    nearest: float = 0.0
    share: float = 0.0
    log_prob: float = 0.0


FEATURES = tuple(Evidence.__dataclass_fields__)


def remembered(matches: Sequence[Match]) -> list[tuple[str, Evidence]]:
    """The answers of `matches`, which come best first, as votes rank them, and what speaks for each."""
    votes = candidates(matches)
    cast = sum(support for _, support in votes) + _AGAINST
    return [(answer, Evidence(matches[0].similarity, support / cast)) for answer, support in votes]


def thought_of(probability: float) -> Evidence:
    """What speaks for an answer of the engine's own, of whose tokens this is the geometric mean's probability."""
    return Evidence(log_prob=max(_LEAST, math.log(probability)) if probability > 0 else _LEAST)
