"""A `NumpyModel` whose steps are compiled: the same layers and the same numbers to float32's last digits, sooner.

Between the products of a step NumPy goes through Python a dozen times a layer, and BLAS copies the weights before it
multiplies so few rows. `kernels.c` does the step in one call, in which other threads run.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import addressof

import numpy as np
from numpy.typing import NDArray

from core.nmt.errors import NmtError
from core.nmt.kernels import (
    NO_MEMORY,
    NO_TOKEN,
    PANEL,
    PART,
    SCORED,
    DecoderStruct,
    LimitsStruct,
    MemoryStruct,
    StackStruct,
    address,
    aligned,
    load_kernels,
    pack,
)
from core.nmt.model import Seq2Seq
from core.nmt.numpy_encoder import Read, Stack
from core.nmt.numpy_layers import Floats, Ids, Indices
from core.nmt.numpy_logits import Continuations, Hypotheses, Room, Scores
from core.nmt.numpy_model import DecoderWeights, GreedyAnswers, Memory, NumpyModel, Reader, State
from core.nmt.search import Ends


def quick_model(model: Seq2Seq) -> NumpyModel:
    """The quickest copy of a model that there is on this machine. Raises `NmtError` as `NumpyModel` does."""
    library = load_kernels() if model.hparams.num_units % PANEL == 0 else None
    return NumpyModel(model) if library is None else CompiledModel(model, library)


class CompiledModel(NumpyModel):
    """A trained model's two ways, as in `NumpyModel`. Threads may share it, and run at once."""

    rows_a_thread = 16

    def __init__(self, model: Seq2Seq, library: ctypes.CDLL) -> None:
        """`library`, as `load_kernels` finds it. Raises `NmtError` for units that don't fill the kernels' panels."""
        if model.hparams.num_units % PANEL:
            raise NmtError(f"CompiledModel is for --num_units that {PANEL} divides")
        self._library = library
        super().__init__(model)

    def _lay_out(self, stacks: Sequence[Stack], weights: DecoderWeights) -> Sequence[Reader]:
        """Pack the weights, which nothing reads again as they came."""
        layers = _Layers(weights.table, [], weights.kernels, weights.biases, weights.first_residual)
        packed = pack(weights.query_kernel), pack(weights.projection)
        flags = self.hparams.output_attention, weights.projection.shape[1]
        self._decoder = DecoderStruct(layers.struct, *flags, *map(address, packed))
        self._decoder.kept = layers, packed
        self._decoder_address = addressof(self._decoder)
        self._packed_memory = pack(weights.memory_kernel)
        return [CompiledStack(stack, self._library) for stack in stacks]

    def room(self, rows: int) -> Room:
        """Room for the logits of so many hypotheses."""
        return CompiledLogits(self._library, self._decoder, rows)

    def look(self, outputs: Floats) -> Floats:
        """`outputs` (N, I) of the encoder → what attention looks at (N, 2U)."""
        count, depth = outputs.shape
        panels = len(self._packed_memory)
        found = np.empty((count, panels * PANEL), np.float32)
        operands = (address(outputs), depth, address(self._packed_memory), address(found), panels * PANEL, False)
        self._library.nmt_product(count, depth, panels, *operands)
        return found

    def step(self, ids: NDArray[np.intp], state: State, memory: Memory, owners: NDArray[np.intp]) -> Floats:
        """One token for each hypothesis, as in `NumpyModel.step`; `state` without gaps."""
        count = len(state)
        ids, owners = np.ascontiguousarray(ids, np.intp), np.ascontiguousarray(owners, np.intp)
        vectors = np.empty((count, self.units), np.float32)
        looked = _memory(memory)
        hypotheses = (count, address(ids), address(owners), address(state), address(vectors))
        _check(self._library.nmt_step(self._decoder_address, addressof(looked), *hypotheses))
        return vectors

    def search_greedily(
        self, owners: NDArray[np.intp], bounds: NDArray[np.intp], state: State, memory: Memory, ends: Ends
    ) -> GreedyAnswers:
        """The likeliest token, again and again, in one call; arguments as in `NumpyModel.search_greedily`."""
        count, longest = len(owners), int(bounds.max())
        owners, bounds = np.ascontiguousarray(owners, np.intp), np.ascontiguousarray(bounds, np.intp)
        ids, said = np.zeros((count, longest), np.intp), np.zeros(count, np.intp)
        log_probs = np.zeros(count, np.float32)
        looked = _memory(memory)
        limits = LimitsStruct(ends.sos_id, ends.eos_id, longest, address(bounds))
        structs = (self._decoder_address, addressof(looked), addressof(limits))
        arrays = (address(owners), address(state), address(ids), address(said), address(log_probs))
        _check(self._library.nmt_search_greedily(*structs, count, *arrays))
        return GreedyAnswers(ids, said, log_probs)


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
        ids, lengths = np.ascontiguousarray(ids, np.int32), np.ascontiguousarray(lengths, np.intp)
        outputs = np.zeros((count, steps, units), np.float32)
        states, cells = np.zeros((2, count, self._layers.struct.layers, units), np.float32)
        arrays = (address(ids), address(lengths), address(outputs), address(states), address(cells))
        _check(self._library.nmt_read_tokens(addressof(self._layers.struct), count, steps, *arrays))
        return Read(outputs.transpose(1, 0, 2), states, cells)


class CompiledLogits:
    """The logits of one step, as `numpy_logits.Logits`. For the best alone, only some rows are kept at a time."""

    def __init__(self, library: ctypes.CDLL, decoder: DecoderStruct, rows: int) -> None:
        """`decoder`, of which the projection counts; `rows` is how many there will be, or nearly so."""
        self._library = library
        self._decoder = decoder
        self._room = aligned((min(rows, SCORED), -(-decoder.size // PANEL) * PANEL))
        self._maxima = np.empty((SCORED, -(-decoder.size // PART)), np.float32)

    def scores(self, vectors: Floats) -> Scores:
        """`vectors` (N, U), as a model's `step` makes them → all logits."""
        count = len(vectors)
        log_sums = np.empty(count, np.float32)
        self._library.nmt_scores(*self._operands(vectors, count), address(log_sums))
        return Scores(self._room[:count, : self._decoder.size], log_sums)

    def likeliest(self, vectors: Floats) -> tuple[NDArray[np.intp], Floats]:
        """`vectors` (N, U) → the likeliest token of each, the first of equal ones, and its log-probability, (N,)."""
        tokens, log_probs = np.empty(len(vectors), np.intp), np.empty(len(vectors), np.float32)
        self._library.nmt_likeliest(*self._operands(vectors, SCORED), address(tokens), address(log_probs))
        return tokens, log_probs

    def best(self, vectors: Floats, hypotheses: Hypotheses, least: Floats, width: int) -> Continuations:
        """The `width` likeliest continuations of each of B sources, as in `numpy_logits.Room`."""
        most = len(least) * width
        parents, tokens, log_probs = np.empty(most, np.intp), np.empty(most, np.intp), np.empty(most, np.float32)
        given = (address(hypotheses.owners), address(hypotheses.log_probs), address(least), width)
        found = (address(parents), address(tokens), address(log_probs))
        count = self._library.nmt_best(*self._operands(vectors, SCORED), *given, *found)
        return Continuations(parents[:count], tokens[:count], log_probs[:count])

    def _operands(self, vectors: Floats, kept: int) -> tuple[int, ...]:
        """What all three begin with, where at most `kept` rows of logits are written beside one another."""
        rows = min(len(vectors), kept)
        if rows > len(self._room):
            self._room = aligned((rows, self._room.shape[1]))
        room = address(self._room), address(self._maxima)
        return (addressof(self._decoder), len(vectors), address(vectors), *room)


class _Layers:
    """Layers as the kernels take them: `struct` holds addresses, so what they are of is kept beside it."""

    def __init__(
        self,
        table: Floats,
        inputs: Sequence[Floats],
        states: Sequence[Floats],
        biases: Sequence[Floats],
        first_residual: int,
    ) -> None:
        self._table = np.ascontiguousarray(table)
        self._kept = [[pack(kernel) for kernel in kernels] for kernels in (inputs, states)]
        self._kept.append([np.ascontiguousarray(bias) for bias in biases])
        places = [[address(array) if array.size else None for array in kept] for kept in self._kept]
        self._arrays = [(ctypes.c_void_p * len(states))(*some) for some in places]
        sizes = len(states), len(biases[0]) // 4, first_residual, len(self._table)
        self.struct = StackStruct(*sizes, address(self._table), *map(addressof, self._arrays))


def _memory(memory: Memory) -> MemoryStruct:
    return MemoryStruct(memory.tokens.shape[1], address(memory.tokens), address(memory.lengths))


def _check(outcome: int) -> None:
    if outcome == NO_MEMORY:
        raise MemoryError("there is no memory for the gates of a step")
    if outcome == NO_TOKEN:
        raise IndexError("an id is none of the vocabulary's: were other vocabularies used than those of the training?")
