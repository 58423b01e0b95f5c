"""The scores of a whole vocabulary in NumPy, the largest arrays of a search."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from core.nmt.numpy_layers import SPARE, Floats, multiply, places

# Rows whose exponentials are taken at once: few enough to stay in the processor's cache.
_ROWS = 16

# Parts that the vocabulary is cut into, each of which knows its highest logit.
_PARTS = 16

# More than the rounding of a sum of two log-probabilities.
_SLACK = np.float32(1e-3)

# Logits below it are far from what a float32 sum of exponentials can hold, whatever the vocabulary's size.
_SAFE = 60.0


class Scores(NamedTuple):
    """What N vectors say of each token: `logits` (N, V) and `log_sums` (N,), log Σ e^logit. The next ones take their
    room.
    """

    logits: Floats
    log_sums: Floats


class Hypotheses(NamedTuple):
    """`owners` (N,), rising, the source that each belongs to, and their `log_probs` (N,)."""

    owners: NDArray[np.intp]
    log_probs: Floats


class Continuations(NamedTuple):
    """Of which hypothesis, `parents` (C,), by which `tokens` (C,), and the `log_probs` (C,) of both together."""

    parents: NDArray[np.intp]
    tokens: NDArray[np.intp]
    log_probs: Floats

    def take(self, places: NDArray[np.intp] | NDArray[np.bool_]) -> Continuations:
        """Those at these places."""
        return Continuations(self.parents[places], self.tokens[places], self.log_probs[places])


class Room(Protocol):
    """Room for the logits of one step. Vectors (N, U) are those that a model's `step` makes."""

    def scores(self, vectors: Floats) -> Scores:
        """`vectors` (N, U) → all logits."""
        ...

    def likeliest(self, vectors: Floats) -> tuple[NDArray[np.intp], Floats]:
        """`vectors` (N, U) → the likeliest token of each, the first of equal ones, and its log-probability, (N,)."""
        ...

    def best(self, vectors: Floats, hypotheses: Hypotheses, least: Floats, width: int) -> Continuations:
        """The `width` likeliest continuations of each of B sources, the likeliest first, without those below the
        source's `least` (B,); equal ones in the order of the hypotheses and of the vocabulary. `vectors` (N, U).
        """
        ...


class Logits:
    """Room for the logits of one step, used again at each: such large arrays are dear to allocate."""

    def __init__(self, projection: Floats, rows: int) -> None:
        """`projection` (U, V); `rows` is the most that there will ever be."""
        self._projection = projection
        size = projection.shape[1]
        self._room = np.empty((rows + SPARE, size), np.float32)
        self._powers = np.empty((min(rows, _ROWS), size), np.float32)
        self._ones = np.ones(size, np.float32)

    def scores(self, vectors: Floats) -> Scores:
        """`vectors` (N, U), as a model's `step` makes them → all logits."""
        logits = self._product(vectors)
        return Scores(logits, self.log_sum_exp(logits, logits.max(1)))

    def likeliest(self, vectors: Floats) -> tuple[NDArray[np.intp], Floats]:
        """`vectors` (N, U) → the likeliest token of each, the first of equal ones, and its log-probability, (N,)."""
        logits = self._product(vectors)
        tokens = logits.argmax(1)
        highest = logits[np.arange(len(tokens)), tokens]
        return tokens, highest - self.log_sum_exp(logits, highest)

    def best(self, vectors: Floats, hypotheses: Hypotheses, least: Floats, width: int) -> Continuations:
        """The `width` likeliest continuations of each of B sources, the likeliest first, without those below the
        source's `least` (B,); equal ones in the order of the hypotheses and of the vocabulary. `vectors` (N, U).
        """
        owners, logits = hypotheses.owners, self._product(vectors)
        maxima = part_maxima(logits, max(_PARTS, 2 * width))
        before = hypotheses.log_probs - self.log_sum_exp(logits, maxima.max(1))
        bounds = np.maximum(_bounds(maxima + before[:, np.newaxis], owners, len(least), width), least)
        reached = logits >= (bounds[owners] - before - _SLACK)[:, np.newaxis]
        found = np.flatnonzero(reached)  # much sooner than np.nonzero of a matrix
        parents, tokens = np.divmod(found, reached.shape[1])
        grown = Continuations(parents, tokens, before[parents] + logits[parents, tokens])
        grown = grown.take(grown.log_probs >= least[owners[parents]])
        sources = owners[grown.parents]
        order = np.lexsort((-grown.log_probs, sources))
        return grown.take(order[places(sources[order]) < width])

    def _product(self, vectors: Floats) -> Floats:
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


def _bounds(parts: Floats, owners: NDArray[np.intp], count: int, width: int) -> Floats:
    """For each of `count` sources a log-probability that at least `width` continuations reach: of the highest of each
    part of the vocabulary, `parts` (N, parts), the `width`-th.
    """
    slots = places(owners)
    table = np.full((count, int(slots.max()) + 1, parts.shape[1]), -np.inf, np.float32)
    table[owners, slots] = parts
    flat = table.reshape(count, -1)
    place = flat.shape[1] - width
    if place < 0:
        return np.full(count, -np.inf, np.float32)
    bounds: Floats = np.partition(flat, place, axis=1)[:, place]
    return bounds


def part_maxima(logits: Floats, parts: int) -> Floats:
    """`logits` (N, V) → the highest logit of each part of the vocabulary (N, at most `parts`)."""
    count, size = logits.shape
    length = -(-size // parts)
    whole = size - size % length
    maxima: Floats = np.maximum.reduce(logits[:, :whole].reshape(count, -1, length), 2)
    if whole < size:
        maxima = np.concatenate([maxima, np.maximum.reduce(logits[:, whole:], 1, keepdims=True)], axis=1)
    return maxima
