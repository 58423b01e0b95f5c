"""What layers in NumPy are made of: products of few rows, weights, and the gates of an LSTM."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.nmt.cells import LSTMCell

Floats = NDArray[np.float32]
Ids = NDArray[np.int32]
Indices = NDArray[np.int64]

# How many rows a product takes at a time, and from how many on what is left over does not matter.
_TOGETHER, _MANY = 4, 64

# Rows to spare behind those that `multiply` is to write.
SPARE = _TOGETHER - 1


def multiply(rows: Floats, kernel: Floats, out: Floats | None = None) -> Floats:
    """`rows` (N, I) @ `kernel` (I, O) → (N, O); `out` has `SPARE` rows more.

    OpenBLAS takes four rows at a time: fewer are sooner multiplied one after the other, and what is left over of more
    of them takes longer than rows of zeros beside it.
    """
    count = len(rows)
    over = -count % _TOGETHER
    product: Floats
    if count == 1 or not over or count > _MANY:
        product = np.matmul(rows, kernel, out=None if out is None else out[:count])
        return product
    if count < _TOGETHER:
        product = np.matmul(rows[:, np.newaxis], kernel, out=None if out is None else out[:count, np.newaxis])
        return product[:, 0]
    padded = np.zeros((count + over, rows.shape[1]), np.float32)
    padded[:count] = rows
    product = np.matmul(padded, kernel, out=None if out is None else out[: count + over])
    return product[:count]


def places(groups: NDArray[np.intp]) -> NDArray[np.intp]:
    """`groups` (N,), rising → the place of each within its group, from 0."""
    places: NDArray[np.intp] = np.arange(len(groups)) - np.searchsorted(groups, groups)
    return places


class LSTMWeights(NamedTuple):
    """An LSTM layer whose gates, in the order i, f, o, g, come out negated: σ(x) = 1 / (1 + e^-x).

    g is doubled too, for tanh(x) = 2 σ(2x) - 1. `inputs` (I, 4U), `state` (U, 4U), `bias` (4U,).
    """

    inputs: Floats
    state: Floats
    bias: Floats

    @classmethod
    def of(cls, cell: LSTMCell) -> LSTMWeights:
        """The weights of a trained cell, whose gates are in the order i, g, f, o."""
        units = cell.num_units
        i, g, f, o = np.split(np.concatenate([cell.kernel.numpy(), cell.bias.numpy()[np.newaxis]]), 4, axis=1)
        f[-1] += cell.forget_bias
        weights = np.concatenate([-i, -f, -o, -2 * g], axis=1)
        # Copies, since a part that is kept would keep all of them.
        return cls(weights[: -units - 1].copy(), weights[-units - 1 : -1].copy(), weights[-1].copy())


def run_gates(gates: Floats, cells: Floats, new_cells: Floats, outputs: Floats) -> None:
    """The rest of an LSTM step after its products: `gates` (…, 4U), overwritten, and `cells` (…, U) make `new_cells`
    and `outputs`, both (…, U). `new_cells` may be `cells`.
    """
    units = cells.shape[-1]  # the gates lie side by side: i, f, o, g
    np.exp(gates, out=gates)
    np.add(gates, 1, out=gates)
    np.reciprocal(gates, out=gates)
    g = gates[..., 3 * units :]
    np.multiply(g, 2, out=g)
    np.subtract(g, 1, out=g)
    np.multiply(g, gates[..., :units], out=g)
    np.multiply(cells, gates[..., units : 2 * units], out=new_cells)
    np.add(new_cells, g, out=new_cells)
    np.tanh(new_cells, out=outputs)
    np.multiply(outputs, gates[..., 2 * units : 3 * units], out=outputs)
