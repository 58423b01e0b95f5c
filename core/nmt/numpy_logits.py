"""The scores of a whole vocabulary in NumPy, the largest arrays of a search."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from core.nmt.numpy_layers import SPARE, Floats, multiply

# Rows whose exponentials are taken at once: few enough to stay in the processor's cache.
_ROWS = 16

# Logits below it are far from what a float32 sum of exponentials can hold, whatever the vocabulary's size.
_SAFE = 60.0


class Scores(NamedTuple):
    """What N vectors say of each token: `logits` (N, V), the highest of each part of the vocabulary, `maxima`
    (N, parts), and `log_sums` (N,), log Σ e^logit. The next step writes them anew.
    """

    logits: Floats
    maxima: Floats
    log_sums: Floats


class Room(Protocol):
    """Room for the scores of one step."""

    def of(self, vectors: Floats) -> Scores:
        """`vectors` (N, U), as a model's `step` makes them."""
        ...

    def reached(self, scores: Scores, bounds: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The logits that are at least their row's bound, `bounds` (N,): their rows and tokens, in this order."""
        ...


class Logits:
    """Room for the logits of one step, used again at each: such large arrays are dear to allocate."""

    def __init__(self, projection: Floats, rows: int, parts: int = 1) -> None:
        """`projection` (U, V); `rows` is the most that there will ever be, `parts` the most that V is cut into."""
        self._projection = projection
        self._parts = parts
        size = projection.shape[1]
        self._room = np.empty((rows + SPARE, size), np.float32)
        self._powers = np.empty((min(rows, _ROWS), size), np.float32)
        self._ones = np.ones(size, np.float32)

    def of(self, vectors: Floats) -> Scores:
        """`vectors` (N, U), as a model's `step` makes them."""
        logits = multiply(vectors, self._projection, self._room)
        maxima = part_maxima(logits, self._parts)
        return Scores(logits, maxima, self.log_sum_exp(logits, maxima.max(1)))

    def reached(self, scores: Scores, bounds: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The logits that are at least their row's bound, `bounds` (N,): their rows and tokens, in this order."""
        found = np.flatnonzero(scores.logits >= bounds[:, np.newaxis])  # much sooner than np.nonzero of a matrix
        return np.divmod(found, scores.logits.shape[1])

    def log_sum_exp(self, logits: Floats, highest: Floats) -> Floats:
        """`logits` (N, V), and the `highest` of each row → log Σ e^logit (N,)."""
        count = len(logits)
        safe = bool(np.abs(highest).max() <= _SAFE)
        sums = np.empty(count, np.float32)
        for at in range(0, count, _ROWS):
            rows = logits[at : at + _ROWS]
            powers = self._powers[: len(rows)]
            if safe:
                np.exp(rows, out=powers)
            else:
                np.subtract(rows, highest[at : at + _ROWS, np.newaxis], out=powers)
                np.exp(powers, out=powers)
            np.matmul(powers, self._ones, out=sums[at : at + _ROWS])
        np.log(sums, out=sums)
        return sums if safe else sums + highest


def part_length(size: int, parts: int) -> int:
    """How many tokens a part of `size` has, when there are to be at most so many."""
    return -(-size // parts)


def part_maxima(logits: Floats, parts: int) -> Floats:
    """`logits` (N, V) → the highest logit of each part of the vocabulary (N, at most `parts`)."""
    count, size = logits.shape
    length = part_length(size, parts)
    whole = size - size % length
    maxima: Floats = np.maximum.reduce(logits[:, :whole].reshape(count, -1, length), 2)
    if whole < size:
        maxima = np.concatenate([maxima, np.maximum.reduce(logits[:, whole:], 1, keepdims=True)], axis=1)
    return maxima
