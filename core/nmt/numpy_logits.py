"""The scores of a whole vocabulary in NumPy, the largest arrays of a search."""

from __future__ import annotations

import numpy as np

from core.nmt.numpy_layers import SPARE, Floats, multiply

# Rows whose exponentials are taken at once: few enough to stay in the processor's cache.
_ROWS = 16

# Logits below it are far from what a float32 sum of exponentials can hold, whatever the vocabulary's size.
_SAFE = 60.0


class Logits:
    """Room for the logits of one step, used again at each: such large arrays are dear to allocate."""

    def __init__(self, projection: Floats, rows: int) -> None:
        """`projection` (U, V); `rows` is the most that there will ever be."""
        self._projection = projection
        size = projection.shape[1]
        self._room = np.empty((rows + SPARE, size), np.float32)
        self._powers = np.empty((min(rows, _ROWS), size), np.float32)
        self._ones = np.ones(size, np.float32)

    def of(self, vectors: Floats) -> Floats:
        """`vectors` (N, U) → logits (N, V), valid until the next call."""
        return multiply(vectors, self._projection, self._room)

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


def part_maxima(logits: Floats, parts: int) -> Floats:
    """`logits` (N, V) → the highest logit of each part of the vocabulary (N, at most `parts`)."""
    count, size = logits.shape
    length = -(-size // parts)
    whole = size - size % length
    maxima: Floats = np.maximum.reduce(logits[:, :whole].reshape(count, -1, length), 2)
    if whole < size:
        maxima = np.concatenate([maxima, np.maximum.reduce(logits[:, whole:], 1, keepdims=True)], axis=1)
    return maxima
