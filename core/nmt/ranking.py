"""Which of the sentences of a tree is the best answer, once a search has found some of them.

A search without a tree weighs hypotheses by their length while they grow (`beams`), where a short one that ended is
held against longer ones that have not. Sentences of a tree are known to the end, so they are searched for by
log-probability alone and weighed when they are whole.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Of a probability so much may be float32's rounding.
_ROUNDED = 1.02


class Ranked(NamedTuple):
    """One hypothesis: `ids` without the end token, and `log_prob`, the sum over its tokens, the end token counted.

    Where several readings of a source have their say (`readings`), `log_prob` is the one that has their score.
    """

    ids: list[int]
    log_prob: float
    # Tokens that log_prob is the sum of: the end token is one of them, unless the search was cut off.
    scored_tokens: int
    # What it was ranked by.
    score: float
    # (tokens without the end, source tokens): how much each token looked at each source token. Only when asked for.
    alignments: NDArray[np.float32] | None = None


class Ranking(NamedTuple):
    """How sentences are ranked: `weight` 0 by their log-probability, else by it over their length penalty.

    `longest`: the most tokens that any of them has, the end token counted.
    """

    weight: float = 0.0
    longest: int = 1

    def score(self, log_prob: float, tokens: int) -> float:
        """log p / ((5 + tokens) / 6)^weight, the end token counted: Wu et al. (2016), Eq. 14."""
        return log_prob / self._penalty(tokens)

    def rescored(self, one: Ranked, score: float) -> Ranked:
        """`one` with another score, and the log-probability that has it."""
        return one._replace(score=score, log_prob=score * self._penalty(one.scored_tokens))

    def sure(self, log_probs: ArrayLike, tokens: ArrayLike) -> NDArray[np.bool_]:
        """Which sentences, of these log-probabilities and tokens, (N,), no other one can be ranked above.

        All others share what a sentence leaves of the probability; at best one has it all and the greatest penalty of
        any, that of the longest, or of the shortest should longer ones be rather avoided. Sentences that are sure have
        more than half of the probability, so that every search finds them.
        """
        log_probs, tokens = np.asarray(log_probs, np.float64), np.asarray(tokens, np.float64)
        others = np.log1p(-np.exp(np.minimum(log_probs, 0)) / _ROUNDED)
        others /= max(self._penalty(1), self._penalty(self.longest))
        sure: NDArray[np.bool_] = log_probs / ((5 + tokens) / 6) ** self.weight > others
        return sure

    def _penalty(self, tokens: int) -> float:
        return math.pow((5 + tokens) / 6, self.weight)
