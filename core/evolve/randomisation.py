"""Whether a difference between two models is more than the luck of the questions they were asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

_SEED = 1989  # any will do; a fixed one, so that the same answers get the same verdict
_TIE = 1e-9  # sums of equal scores differ by less
_CHUNK = 1000  # exchanges at a time: a million of them need not lie in memory together


def chance_of_worse(differences: Sequence[float], draws: int) -> float:
    """How likely two equally good models are to differ as much to the disadvantage of the second: a p-value, 0 … 1.

    The paired randomisation test: were the models equally good, each question's two answers might as well have come
    from the other one, so that the sign of each difference is a coin's (Noreen, Computer-Intensive Methods for Testing
    Hypotheses, 1989; Riezler & Maxwell 2005, On Some Pitfalls in Automatic Evaluation and Significance Testing for MT,
    section 4.2, who find it to err less often than the paired bootstrap of Koehn 2004). It is exact: of models that
    are equally good a share of α at most gets a p-value of α or less, however few their questions are, and though
    almost all of their answers are the same, as they are after training that went on from the other model.

    Args:
        differences: the second model's score of each question minus the first one's, (N,).
        draws: exchanges drawn where there are more than that; else every one of them is looked at.
    """
    scores = np.asarray(differences, dtype=np.float64)
    scores = scores[np.abs(scores) > _TIE]  # the sign of nothing changes nothing
    if not len(scores):
        return 1.0
    worst = scores.sum() + _TIE
    if len(scores) < draws.bit_length():
        return float(np.mean(_every_exchange(len(scores)) @ scores <= worst))
    as_bad = sum(int(np.count_nonzero(signs @ scores <= worst)) for signs in _exchanges(len(scores), draws))
    return (as_bad + 1) / (draws + 1)  # what was seen is one of the exchanges (Noreen, as above)


def _every_exchange(count: int) -> NDArray[np.float64]:
    """All ways to set `count` signs, (2 ** count, count)."""
    bits = np.arange(2**count)[:, None] >> np.arange(count)
    return np.where(bits & 1, 1.0, -1.0)


def _exchanges(count: int, draws: int) -> Iterator[NDArray[np.float64]]:
    """`draws` random ways to set `count` signs, (up to `_CHUNK`, count) at a time."""
    random = np.random.default_rng(_SEED)
    for start in range(0, draws, _CHUNK):
        yield np.where(random.random((min(_CHUNK, draws - start), count)) < 0.5, -1.0, 1.0)
