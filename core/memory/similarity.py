"""How alike two questions are: the cosine of each kind of feature, rare features weighing more, in one mean."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from core.memory.features import Features

# Of stems, pieces and letters. They were chosen, as was all here, by questions that are not among those reported.
SHARES = (0.5, 0.25, 0.25)

# The least similarity of a question whose answer is worth giving. The table is of one draw of 327 held-out paraphrases
# of the Korean small talk (`bin/bench memory --quality --draw a`), and of 449 questions that nothing there answers:
#
#   similarity from               0.30   0.35   0.40   0.45   0.50   0.60
#   paraphrases given an answer   96 %   94 %   87 %   78 %   69 %   51 %
#   paraphrases right             42 %   41 %   39 %   37 %   34 %   29 %
#   unrelated given an answer     23 %   11 %    4 %    2 %    1 %    0 %
SURE = 0.4


class Measured(NamedTuple):
    """The features of a question, and the length of the vector that each kind of them is."""

    features: Features
    lengths: tuple[float, ...]


class Rarity:
    """How rare each feature is, over the questions that were counted, and the similarity that follows from it.

    All of the first questions are counted; of later ones each sixteenth, for sixteen: it costs time, and tells little
    that is new. A question that is dropped stays counted. For one writer and any number of readers at once.
    """

    _ALL_UP_TO = 5000
    _STEP = 16

    def __init__(self) -> None:
        self._seen = 0
        self._questions = 0
        self._kinds = tuple(_Weights() for _ in Features._fields)

    def wants_next(self) -> bool:
        """Tell of one more question; whether its features should be counted."""
        self._seen += 1
        return self._seen <= self._ALL_UP_TO or self._seen % self._STEP == 0

    def count(self, features: Features) -> None:
        """Count a question's features, as `wants_next` asked for."""
        times = 1 if self._seen <= self._ALL_UP_TO else self._STEP
        self._questions += times
        for weights, kind in zip(self._kinds, features, strict=True):
            weights.count(kind, times)

    def settle(self) -> None:
        """Let what was counted count."""
        for weights in self._kinds:
            weights.settle(self._questions)

    def measured(self, features: Features) -> Measured:
        """`features` with their lengths, to be compared."""
        lengths = (math.sqrt(weights.total(kind)) for weights, kind in zip(self._kinds, features, strict=True))
        return Measured(features, tuple(lengths))

    def similarity(self, one: Measured, other: Measured) -> float:
        """0 to 1: Σ share · cosine. A kind that either has no features of counts as nothing in common."""
        found = 0.0
        for at, weights in enumerate(self._kinds):
            lengths = one.lengths[at] * other.lengths[at]
            if lengths:
                found += SHARES[at] * weights.total(one.features[at] & other.features[at]) / lengths
        return found


class _Weights(dict[str, float]):
    """Feature → the square of its weight, worked out when it is first asked for.

    The weight is the inverse document frequency 1 + ln((1 + n) / (1 + df)), which is never 0.
    """

    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[str, int] = {}
        self._questions = 0

    def __missing__(self, feature: str) -> float:
        weight = 1 + math.log((1 + self._questions) / (1 + self._counts.get(feature, 0)))
        if feature in self._counts:  # what nobody taught is not worth keeping
            self[feature] = weight * weight
        return weight * weight

    def count(self, features: Iterable[str], times: int) -> None:
        for feature in features:
            self._counts[feature] = self._counts.get(feature, 0) + times

    def settle(self, questions: int) -> None:
        if questions > self._questions * _GROWN:
            self._questions = questions
            self.clear()

    def total(self, features: Iterable[str]) -> float:
        return sum(map(self.__getitem__, features))


_GROWN = 1.01  # by how much more questions the weights are worth working out again
