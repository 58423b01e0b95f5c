"""A trained model laid out for answering, in NumPy: the same numbers as `model.Seq2Seq`, sooner.

An answer is hundreds of small products, one after another. TensorFlow spends more time between them than in them, and
would have to compile first. It covers what chatbots are made of, LSTM layers with Luong's attention at the top;
`covers` tells.

What is multiplied at every step is prepared once: the bottom layers' input products lie in a table, a row a token; the
encoder's outputs meet the second half of the attention's kernel before the first step; and gates share one exponential.
The weights are copies: a model that goes on learning needs another `NumpyModel`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from core.nmt.attention import LuongAttention
from core.nmt.cells import LSTMCell
from core.nmt.embeddings import AnyEmbedding, Embedding, PretrainedEmbedding
from core.nmt.encoders import BiEncoder, LayerStack, UniEncoder
from core.nmt.errors import NmtError
from core.nmt.hparams import HParams
from core.nmt.model import Seq2Seq

Floats = NDArray[np.float32]
Ids = NDArray[np.int32]
Indices = NDArray[np.int64]

# How many rows a product takes at a time, and from how many on what is left over does not matter.
_TOGETHER, _MANY = 4, 64

# Added to the score of padding, as in core.nmt.attention.
_MASKED = np.float32(-1e9)


def covers(hparams: HParams) -> bool:
    """Whether `NumpyModel` can be made of models with these hyperparameters."""
    return (
        hparams.unit_type == "lstm"
        and hparams.encoder_type in ("uni", "bi")
        and hparams.attention_architecture == "standard"
        and hparams.attention in ("luong", "scaled_luong")
        and not hparams.language_model
        and not hparams.use_char_encode
    )


def multiply(rows: Floats, kernel: Floats) -> Floats:
    """`rows` (N, I) @ `kernel` (I, O) → (N, O).

    OpenBLAS takes four rows at a time, and takes long for what is left over: three rows are slower than four.
    """
    over = -len(rows) % _TOGETHER
    if not over or len(rows) == 1 or len(rows) > _MANY:
        return rows @ kernel
    padded = np.concatenate([rows, np.zeros((over, rows.shape[1]), np.float32)])
    return (padded @ kernel)[: len(rows)]


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
        return cls(*map(np.ascontiguousarray, (weights[: -units - 1], weights[-units - 1 : -1], weights[-1])))


def run_gates(gates: Floats, cells: Floats) -> Floats:
    """The rest of an LSTM step after its products: `gates` (N, 4U), overwritten, `cells` (N, U), updated → (N, U)."""
    units = cells.shape[1]  # the gates lie side by side: i, f, o, g
    np.exp(gates, out=gates)
    gates += 1
    np.reciprocal(gates, out=gates)
    g = gates[:, 3 * units :]
    g *= 2
    g -= 1
    g *= gates[:, :units]
    cells *= gates[:, units : 2 * units]
    cells += g
    outputs: Floats = np.tanh(cells)
    outputs *= gates[:, 2 * units : 3 * units]
    return outputs


class State(NamedTuple):
    """What a search carries from token to token. `inputs` (L, N, 2U): what each layer's product is of, the outputs of
    the layer below (of the bottom one, the attention vector) beside its own; `cells` (L, N, U).
    """

    inputs: Floats
    cells: Floats

    def take(self, rows: NDArray[np.intp]) -> State:
        """The state of these hypotheses, copied."""
        return State(np.take(self.inputs, rows, axis=1), np.take(self.cells, rows, axis=1))


class Memory(NamedTuple):
    """What attention looks at. `keys` (B, U, S), `values` (B, S, U) already multiplied with the context's part of the
    attention's kernel, `bias` (B, S) zero at tokens and very negative at padding.
    """

    keys: Floats
    values: Floats
    bias: Floats

    def take(self, rows: NDArray[np.intp]) -> Memory:
        """The memory of these sentences, copied."""
        return Memory(self.keys[rows], self.values[rows], self.bias[rows])

    def attend(self, queries: Floats) -> Floats:
        """`queries` (B, K, U) → the contexts' part of the attention vectors (B, K, U)."""
        weights: Floats = queries @ self.keys
        weights += self.bias[:, np.newaxis]
        weights -= weights.max(2, keepdims=True)
        np.exp(weights, out=weights)
        weights /= weights.sum(2, keepdims=True)
        contexts: Floats = weights @ self.values
        return contexts

    def attend_each(self, queries: Floats) -> Floats:
        """The same with one query for each sentence: (B, U) → (B, U)."""
        return self.attend(queries[:, np.newaxis])[:, 0]


class Packed(NamedTuple):
    """Rows of tokens without padding, step by step: at step t the tokens of the first `counts[t]` rows.

    Rows come by falling length. `starts` (S + 1,): where a step begins; `rows` and `times`, for each token.
    """

    counts: list[int]
    starts: list[int]
    rows: Indices
    times: Indices

    @classmethod
    def of(cls, lengths: Indices) -> Packed:
        """The layout of rows of these lengths."""
        counts = [int((lengths > t).sum()) for t in range(int(lengths[0]))]
        starts = [0, *np.cumsum(counts).tolist()]
        rows = np.concatenate([np.arange(n) for n in counts])
        return cls(counts, starts, rows, np.repeat(np.arange(len(counts)), counts))

    def backwards(self, lengths: Indices) -> Indices:
        """For each token the place of its row's token as far from the row's end as it is from its beginning."""
        places: Indices = np.array(self.starts)[lengths[self.rows] - 1 - self.times] + self.rows
        return places


class _Stack:
    """Layers of the encoder that read one way."""

    def __init__(self, stack: LayerStack, table: Floats) -> None:
        self._layers = [LSTMWeights.of(cell) for cell in lstm_cells(stack.cells)]
        self._first_residual = stack.first_residual
        self._table = table @ self._layers[0].inputs + self._layers[0].bias  # (V, 4U)

    def run(self, ids: Ids, packed: Packed) -> tuple[Floats, list[Floats], list[Floats]]:
        """`ids` of all tokens, (N,) → outputs (N, U), and each layer's last outputs and cells, (B, U)."""
        inputs, gates = np.zeros(0, np.float32), self._table[ids]
        last, cells = [], []
        for i, layer in enumerate(self._layers):
            if i:
                gates = inputs @ layer.inputs
                gates += layer.bias
            outputs, final, cell = _run_layer(layer, gates, packed)
            inputs = outputs + inputs if i >= self._first_residual else outputs
            last.append(final)
            cells.append(cell)
        return inputs, last, cells


def _run_layer(layer: LSTMWeights, gates: Floats, packed: Packed) -> tuple[Floats, Floats, Floats]:
    """`gates` (N, 4U), the input products of all tokens → outputs (N, U), last outputs and cells (B, U)."""
    units = layer.state.shape[0]
    outputs = np.empty((len(gates), units), np.float32)
    last, cells = (np.zeros((packed.counts[0], units), np.float32) for _ in range(2))
    for t, count in enumerate(packed.counts):
        step = slice(packed.starts[t], packed.starts[t + 1])
        if t:
            gates[step] += multiply(last[:count], layer.state)
        outputs[step] = last[:count] = run_gates(gates[step], cells[:count])
    return outputs, last, cells


class NumpyModel:
    """A trained model's two ways: `encode` sources, and `step` from token to token. Threads may share it.

    Raises `NmtError` for a model that it does not cover.
    """

    def __init__(self, model: Seq2Seq) -> None:
        decoder, encoder, mechanism = model.decoder, model.encoder, model.decoder.mechanism
        if not (
            covers(model.hparams)
            and isinstance(encoder, UniEncoder | BiEncoder)
            and isinstance(mechanism, LuongAttention)
            and decoder.attention_kernel is not None
        ):
            raise NmtError("NumpyModel is for LSTM layers with Luong's attention at the top")
        units = model.hparams.num_units
        self.hparams = model.hparams
        self.units = units
        table = _table(model.source_embedding)
        stacks = (encoder.forward, encoder.backward) if isinstance(encoder, BiEncoder) else (encoder.layers,)
        self._stacks = [_Stack(stack, table) for stack in stacks]
        layers = [LSTMWeights.of(cell) for cell in lstm_cells(decoder.cells)]
        embedded = layers[0].inputs[:-units]  # the attention vector comes after the embedding
        self._table = _table(model.target_embedding) @ embedded + layers[0].bias
        below = [layers[0].inputs[-units:], *(layer.inputs for layer in layers[1:])]
        self._kernels = [np.concatenate([kernel, layer.state]) for kernel, layer in zip(below, layers, strict=True)]
        self._biases = [layer.bias for layer in layers]
        self._first_residual = decoder.first_residual
        scale = 1 if mechanism.scale is None else mechanism.scale.numpy()
        self._memory_kernel = mechanism.memory_kernel.numpy() * np.float32(scale)
        kernel = decoder.attention_kernel.numpy()
        self._query_kernel, self._context_kernel = kernel[:units].copy(), kernel[units:].copy()
        self.projection = model.projection.numpy()

    def encode(self, ids: Ids, lengths: Indices) -> tuple[State, Memory]:
        """`ids` (B, S), `lengths` (B,), at least 1 and falling → the state before the first token, and the memory."""
        packed = Packed.of(lengths)
        back = packed.backwards(lengths)
        tokens = ids[packed.rows, packed.times]
        if self.hparams.source_reverse:
            tokens = tokens[back]
        ahead = self._stacks[0].run(tokens, packed)
        if len(self._stacks) == 1:
            outputs, last, cells = ahead
        else:
            behind = self._stacks[1].run(tokens[back], packed)
            outputs = np.concatenate([ahead[0], behind[0][back]], axis=1)
            last, cells = ([x for pair in zip(ahead[k], behind[k], strict=True) for x in pair] for k in (1, 2))
        return self._start(last, cells), self._remember(outputs, packed, lengths)

    def _start(self, last: Sequence[Floats], cells: Sequence[Floats]) -> State:
        shape = (len(self._kernels), last[0].shape[0])
        state = State(np.zeros((*shape, 2 * self.units), np.float32), np.zeros((*shape, self.units), np.float32))
        if self.hparams.passes_state:
            state.inputs[:, :, self.units :] = last
            state.cells[:] = cells
        return state

    def _remember(self, outputs: Floats, packed: Packed, lengths: Indices) -> Memory:
        padded = np.zeros((len(lengths), len(packed.counts), 2 * self.units), np.float32)
        padded[packed.rows, packed.times, : self.units] = outputs @ self._memory_kernel
        padded[packed.rows, packed.times, self.units :] = outputs @ self._context_kernel
        bias = np.where(np.arange(len(packed.counts)) < lengths[:, np.newaxis], np.float32(0), _MASKED)
        return Memory(padded[:, :, : self.units].transpose(0, 2, 1), padded[:, :, self.units :], bias)

    def step(self, ids: NDArray[np.intp], state: State, attend: Callable[[Floats], Floats]) -> Floats:
        """One token for each hypothesis: `ids` (N,) → what is multiplied with `projection`, (N, U).

        `state` is updated in place; `attend` gives each query's part of the attention vector, both (N, U).
        """
        units = self.units
        for i, kernel in enumerate(self._kernels):
            gates = multiply(state.inputs[i], kernel)
            gates += self._biases[i] if i else self._table[ids]
            outputs = run_gates(gates, state.cells[i])
            state.inputs[i, :, units:] = outputs
            if i >= self._first_residual:
                outputs += state.inputs[i, :, :units]
            if i + 1 < len(self._kernels):
                state.inputs[i + 1, :, :units] = outputs
        vector = multiply(outputs, self._query_kernel)
        vector += attend(outputs)
        state.inputs[0, :, :units] = vector
        return vector if self.hparams.output_attention else outputs


def lstm_cells(cells: Sequence[object]) -> list[LSTMCell]:
    """The same cells, which are all LSTM cells."""
    return [cell for cell in cells if isinstance(cell, LSTMCell)]


def _table(embedding: AnyEmbedding) -> Floats:
    """Every token's embedding, (V, its size)."""
    if isinstance(embedding, PretrainedEmbedding):
        return np.asarray(embedding(tf.range(embedding.places.shape[0])))
    if isinstance(embedding, Embedding):
        return np.asarray(embedding.table)
    raise NmtError("NumpyModel is not for tokens that are read letter by letter")
