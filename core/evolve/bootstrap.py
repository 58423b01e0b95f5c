"""Whether a difference between two models is more than the luck of the questions they were asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_SEED = 2004  # any will do; a fixed one, so that the same answers get the same verdict
_TIE = 1e-9  # sums of equal scores differ by less


def share_worse(differences: Sequence[float], resamples: int) -> float:
    """The share of resampled test sets, 0 … 1, on which the second model scores worse: paired bootstrap resampling.

    Koehn (2004), Statistical Significance Tests for Machine Translation Evaluation, section 4: as many questions as
    there are, drawn with replacement, both models' answers to a question always together; where one model scores
    worse on 95 % of such sets, it is worse with 95 % confidence. Here a set's score is the mean of its questions'
    scores, not the BLEU of all its answers, so that differences can be added; a tie counts for neither.

    Args:
        differences: the second model's score of each question minus the first one's, (N,).
        resamples: how many sets are drawn.
    """
    scores = np.asarray(differences, dtype=np.float64)
    count = len(scores)
    drawn = np.random.default_rng(_SEED).multinomial(count, np.full(count, 1 / count), size=resamples)  # (R, N)
    return float(np.mean(drawn @ scores < -_TIE))
