"""A `NumpyModel` whose steps are compiled: the same layers and the same numbers to float32's last digits, sooner.

Between the products of a step NumPy goes through Python a dozen times a layer, and BLAS copies the weights before it
multiplies so few rows. `kernels.c` does the step in one call, in which other threads run.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.nmt.errors import NmtError
from core.nmt.kernels import PANEL, MemoryStruct, StackStruct, aligned, load_kernels, pack
from core.nmt.model import Seq2Seq
from core.nmt.numpy_encoder import Read, Stack
from core.nmt.numpy_layers import Floats, Ids, Indices
from core.nmt.numpy_logits import Room, Scores, part_length
from core.nmt.numpy_model import Memory, NumpyModel, State

# Logits that are expected to be reached for each hypothesis; where there are more, they are looked for again.
_REACHED = 32


def quick_model(model: Seq2Seq) -> NumpyModel:
    """The quickest copy of a model that there is on this machine. Raises `NmtError` as `NumpyModel` does."""
    library = load_kernels() if model.hparams.num_units % PANEL == 0 else None
    return NumpyModel(model) if library is None else CompiledModel(model, library)


class CompiledModel(NumpyModel):
    """A trained model's two ways, as in `NumpyModel`. Threads may share it, and run at once."""

    def __init__(self, model: Seq2Seq, library: ctypes.CDLL) -> None:
        """`library`, as `load_kernels` finds it. Raises `NmtError` for units that don't fill the kernels' panels."""
        super().__init__(model)
        if self.units % PANEL:
            raise NmtError(f"CompiledModel is for --num_units that {PANEL} divides")
        self._library = library
        self._readers = [CompiledStack(stack, library) for stack in self._readers if isinstance(stack, Stack)]
        self._layers = _Layers(self._table, [], self._kernels, self._biases, self._first_residual)
        self._packed_query = pack(self._query_kernel)
        self._packed_memory = pack(self._memory_kernel)
        self._packed_projection = pack(self.projection)

    def room(self, rows: int, parts: int = 1) -> Room:
        """Room for the scores of so many hypotheses, with the highest of so many parts of the vocabulary."""
        return CompiledLogits(self._library, self._packed_projection, self.projection.shape[1], rows, parts)

    def look(self, outputs: Floats) -> Floats:
        """`outputs` (N, I) of the encoder → what attention looks at (N, 2U)."""
        count, depth = outputs.shape
        panels = len(self._packed_memory)
        found = np.empty((count, panels * PANEL), np.float32)
        operands = (_at(outputs), depth, _at(self._packed_memory), _at(found), panels * PANEL, False)
        self._library.product(count, depth, panels, *operands)
        return found

    def step(
        self, ids: NDArray[np.intp], state: State, memory: Memory, owners: NDArray[np.intp] | None = None
    ) -> Floats:
        """One token for each hypothesis, as in `NumpyModel.step`; `state` without gaps."""
        count = len(state)
        ids = np.ascontiguousarray(ids, np.intp)
        owners = np.arange(count) if owners is None else np.ascontiguousarray(owners, np.intp)
        vectors = np.empty((count, self.units), np.float32)
        looked = MemoryStruct(memory.tokens.shape[1], _at(memory.tokens), _at(memory.lengths))
        weights = (self._layers.address, _at(self._packed_query), self.hparams.output_attention)
        hypotheses = (count, _at(ids), _at(owners), _at(state), _at(vectors))
        _check(self._library.step(*weights, ctypes.addressof(looked), *hypotheses))
        return vectors


class CompiledStack:
    """Layers that read one way, as in `numpy_encoder.Stack`."""

    def __init__(self, stack: Stack, library: ctypes.CDLL) -> None:
        self._library = library
        units = self._units = stack.units
        inputs = [kernel[:-units] for kernel in stack.kernels]
        states = [kernel[-units:] for kernel in stack.kernels]
        self._layers = _Layers(stack.table, inputs, states, list(stack.biases), stack.first_residual)

    def run(self, ids: Ids, lengths: Indices) -> Read:
        """`ids` (B, S), `lengths` (B,), at least 1 and falling."""
        (count, steps), units = ids.shape, self._units
        ids, lengths = np.ascontiguousarray(ids), np.ascontiguousarray(lengths)
        outputs = np.zeros((count, steps, units), np.float32)
        states, cells = np.zeros((2, count, self._layers.count, units), np.float32)
        arrays = (_at(ids), _at(lengths), _at(outputs), _at(states), _at(cells))
        _check(self._library.read_tokens(self._layers.address, count, steps, *arrays))
        return Read(outputs.transpose(1, 0, 2), states, cells)


class CompiledLogits:
    """Room for the scores of one step, as `numpy_logits.Logits`."""

    def __init__(self, library: ctypes.CDLL, projection: Floats, size: int, rows: int, parts: int) -> None:
        """`projection` (U, V) packed, V is `size`."""
        self._library = library
        self._projection = projection
        self._size = size
        self._part = part_length(size, parts)
        self._room = aligned((rows, len(projection) * PANEL))
        self._maxima = np.empty((rows, -(-size // self._part)), np.float32)
        self._log_sums = np.empty(rows, np.float32)

    def of(self, vectors: Floats) -> Scores:
        """`vectors` (N, U), as a model's `step` makes them."""
        count, units = vectors.shape
        logits, maxima, log_sums = self._room[:count], self._maxima[:count], self._log_sums[:count]
        product = (count, units, self._size, _at(vectors), _at(self._projection))
        self._library.score(*product, self._part, _at(logits), _at(maxima), _at(log_sums))
        return Scores(logits[:, : self._size], maxima, log_sums)

    def reached(self, scores: Scores, bounds: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The logits that are at least their row's bound, `bounds` (N,): their rows and tokens, in this order."""
        count, room = len(bounds), _REACHED * len(bounds)
        bounds = np.ascontiguousarray(bounds)
        while True:
            rows, tokens = np.empty((2, room), np.intp)
            arrays = (_at(scores.logits), _at(scores.maxima), _at(bounds))
            found = self._library.reached(count, self._size, self._part, *arrays, room, _at(rows), _at(tokens))
            if found <= room:
                return rows[:found], tokens[:found]
            room = found


class _Layers:
    """Layers as the kernels take them. The struct holds addresses, so what they are of is kept beside it."""

    def __init__(
        self,
        table: Floats,
        inputs: Sequence[Floats],
        states: Sequence[Floats],
        biases: Sequence[Floats],
        first_residual: int,
    ) -> None:
        self.count = len(states)
        self._table = np.ascontiguousarray(table)
        self._kept = [[pack(kernel) for kernel in kernels] for kernels in (inputs, states)]
        self._kept.append([np.ascontiguousarray(bias) for bias in biases])
        self._arrays = [(ctypes.c_void_p * self.count)(*map(_at, kept)) for kept in self._kept]
        addresses = map(ctypes.addressof, self._arrays)
        units = len(self._kept[2][0]) // 4
        self._struct = StackStruct(self.count, units, first_residual, _at(self._table), *addresses)
        self.address = ctypes.addressof(self._struct)


def _at(array: NDArray[np.generic]) -> int:
    """Where an array's first number lies."""
    address: int = array.__array_interface__["data"][0]
    return address


def _check(done: int) -> None:
    if not done:
        raise MemoryError("there is no memory for the gates of a step")
