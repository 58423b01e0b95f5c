"""A trained model laid out for answering, in NumPy: the same numbers as `model.Seq2Seq`, sooner.

An answer is hundreds of small products, one after another. TensorFlow spends more time between them than in them, and
would have to compile first. It covers what chatbots are made of, LSTM layers with Luong's attention at the top;
`covers` tells.

What is multiplied at every step is prepared once: the bottom layers' input products lie in a table, a row a token; the
encoder's outputs meet the second half of the attention's kernel before the first step; and gates share one exponential.
The weights are copies: a model that goes on learning needs another `NumpyModel`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from core.nmt.attention import LuongAttention
from core.nmt.cells import LSTMCell
from core.nmt.embeddings import AnyEmbedding, Embedding, PretrainedEmbedding
from core.nmt.encoders import BiEncoder, UniEncoder
from core.nmt.errors import NmtError
from core.nmt.hparams import HParams
from core.nmt.model import Seq2Seq
from core.nmt.numpy_encoder import Read, Stack
from core.nmt.numpy_layers import Floats, Ids, Indices, LSTMWeights, multiply, places, run_gates
from core.nmt.numpy_logits import Logits, Room
from core.nmt.search import Ends

# What a search carries from token to token, (N, 2L + 1, U): of each hypothesis the attention vector, each layer's
# outputs, and each layer's cells. What the layer below said and a layer's own outputs lie side by side, as its product
# takes them.
State = Floats

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


class Memory(NamedTuple):
    """What attention looks at: of each of B sources up to S tokens, of which `lengths` (B,) are no padding.

    `tokens` (B, S, 2U): what each is looked for by, then what it adds to the attention vector. `bias` (B, S) is zero at
    tokens and very negative at padding, if there is any.
    """

    tokens: Floats
    lengths: Indices
    bias: Floats | None

    def attend(self, queries: Floats, owners: NDArray[np.intp]) -> Floats:
        """`queries` (N, U), of the sources `owners` (N,), rising → what they find, (N, U)."""
        count = len(self.tokens)
        if count == 1:
            alone: Floats = self._attend(queries[np.newaxis])[0]
            return alone
        slots = places(owners)
        most = int(slots.max()) + 1
        if most == 1:
            memory = self if len(owners) == count else self._take(owners)
            each: Floats = memory._attend(queries[:, np.newaxis])[:, 0]
            return each
        beams = np.zeros((count, most, queries.shape[1]), np.float32)
        beams[owners, slots] = queries
        contexts: Floats = self._attend(beams)[owners, slots]
        return contexts

    def _take(self, rows: NDArray[np.intp]) -> Memory:
        return Memory(self.tokens[rows], self.lengths[rows], None if self.bias is None else self.bias[rows])

    def _attend(self, queries: Floats) -> Floats:
        """`queries` (B, K, U) → the contexts' part of the attention vectors (B, K, U)."""
        units = queries.shape[2]
        weights: Floats = queries @ self.tokens[:, :, :units].transpose(0, 2, 1)
        if self.bias is not None:
            weights += self.bias[:, np.newaxis]
        weights -= np.maximum.reduce(weights, 2, keepdims=True)
        np.exp(weights, out=weights)
        contexts: Floats = weights @ self.tokens[:, :, units:]
        contexts /= np.add.reduce(weights, 2, keepdims=True)
        return contexts


class Reader(Protocol):
    """Layers that read one way: `numpy_encoder.Stack`."""

    def run(self, ids: Ids, lengths: Indices) -> Read:
        """`ids` (B, S), `lengths` (B,), at least 1 and falling."""
        ...


class DecoderWeights(NamedTuple):
    """What the decoder of L layers multiplies by, as its steps take it.

    `table` (V, 4U): what the bottom layer makes of each token, its bias added. `kernels` (L, each 2U, 4U): of what the
    layer below said beside the layer's own outputs; at the bottom, of the attention vector. `biases` (L, each 4U).
    `query_kernel` (U, U) makes an attention vector's first half; `memory_kernel` (I, 2U) of the encoder's outputs what
    each is looked for by, then what it adds to the attention vector. `projection` (U, V).
    """

    table: Floats
    kernels: list[Floats]
    biases: list[Floats]
    first_residual: int
    query_kernel: Floats
    memory_kernel: Floats
    projection: Floats

    @classmethod
    def of(cls, model: Seq2Seq, mechanism: LuongAttention, attention_kernel: Floats) -> DecoderWeights:
        """Of a model, and of what its decoder looks at the source with, `attention_kernel` (U + M, U)."""
        units = model.hparams.num_units
        layers = [LSTMWeights.of(cell) for cell in model.decoder.cells if isinstance(cell, LSTMCell)]
        embedded = layers[0].inputs[:-units]  # the attention vector comes after the embedding
        below = [layers[0].inputs[-units:], *(layer.inputs for layer in layers[1:])]
        scale = 1 if mechanism.scale is None else mechanism.scale.numpy()
        looked_for = mechanism.memory_kernel.numpy() * np.float32(scale)
        return cls(
            table=_table(model.target_embedding) @ embedded + layers[0].bias,
            kernels=[np.concatenate([kernel, layer.state]) for kernel, layer in zip(below, layers, strict=True)],
            biases=[layer.bias for layer in layers],
            first_residual=model.decoder.first_residual,
            query_kernel=attention_kernel[:units].copy(),
            memory_kernel=np.concatenate([looked_for, attention_kernel[units:]], axis=1),
            projection=model.projection.numpy(),
        )


class GreedyAnswers(NamedTuple):
    """What N greedy searches came to: the tokens `ids` (N, T), how many of them there are, with the end, `said` (N,),
    and their `log_probs` (N,).
    """

    ids: NDArray[np.intp]
    said: NDArray[np.intp]
    log_probs: Floats


class NumpyModel:
    """A trained model's two ways: `encode` sources, and `step` from token to token. Threads may share it.

    Attributes:
        rows_a_thread: fewer hypotheses are not worth a thread of their own: their steps are too short for two to run
            at once.

    Raises `NmtError` for a model that it does not cover, or whose weights are no numbers.
    """

    rows_a_thread = 32

    def __init__(self, model: Seq2Seq) -> None:
        decoder, encoder, mechanism = model.decoder, model.encoder, model.decoder.mechanism
        if not (
            covers(model.hparams)
            and isinstance(encoder, UniEncoder | BiEncoder)
            and isinstance(mechanism, LuongAttention)
            and decoder.attention_kernel is not None
        ):
            raise NmtError("NumpyModel is for LSTM layers with Luong's attention at the top")
        # A search that compares such numbers finds nothing, or anything.
        if not all(np.isfinite(variable.numpy()).all() for variable in model.trainable_variables):
            raise NmtError("some of the model's weights are no numbers: train it again, with a lower --learning_rate")
        self.hparams = model.hparams
        self.units = model.hparams.num_units
        self._layer_count = len(decoder.cells)
        table = _table(model.source_embedding)
        stacks = (encoder.forward, encoder.backward) if isinstance(encoder, BiEncoder) else (encoder.layers,)
        weights = DecoderWeights.of(model, mechanism, decoder.attention_kernel.numpy())
        self._readers = self._lay_out([Stack(stack, table) for stack in stacks], weights)

    def _lay_out(self, stacks: Sequence[Stack], weights: DecoderWeights) -> Sequence[Reader]:
        """Keep what steps take of the `weights`; what reads sources, of the encoder's `stacks`."""
        self._weights = weights
        return stacks

    def encode(self, ids: Ids, lengths: Indices) -> tuple[State, Memory]:
        """`ids` (B, S), `lengths` (B,), at least 1 and falling → the state before the first token, and the memory."""
        times, rows = _places(ids, lengths)
        read = self._read(ids, lengths)
        tokens = np.zeros((*ids.shape, 2 * self.units), np.float32)
        tokens[rows, times] = self.look(read.outputs)
        bias = None
        if len(rows) < ids.size:
            bias = np.where(np.arange(ids.shape[1]) < lengths[:, np.newaxis], np.float32(0), _MASKED)
        return self._start(read, len(lengths)), Memory(tokens, lengths, bias)

    def meanings(self, ids: Ids, lengths: Indices) -> Floats:
        """`ids` and `lengths` as in `encode` → the mean of the encoder's outputs over a source's tokens, (B, M)."""
        _, rows = _places(ids, lengths)
        outputs = self._read(ids, lengths).outputs
        sums = np.zeros((len(lengths), outputs.shape[1]), np.float32)
        np.add.at(sums, rows, outputs)
        sums /= lengths[:, np.newaxis]
        return sums

    def _read(self, ids: Ids, lengths: Indices) -> Read:
        """The states after the last token, and the outputs at each token that is no padding, (N, M): of all sources'
        first tokens, then of their second ones, and so on.
        """
        times, rows = _places(ids, lengths)
        behind = lengths[rows] - 1 - times  # where it is, counted from the end
        backwards = np.zeros_like(ids)
        backwards[rows, behind] = ids[rows, times]
        if self.hparams.source_reverse:
            ids, backwards = backwards, ids
        ahead = self._readers[0].run(ids, lengths)
        if len(self._readers) == 1:
            return Read(ahead.outputs[times, rows], *ahead[1:])
        back = self._readers[1].run(backwards, lengths)
        outputs = np.concatenate([ahead.outputs[times, rows], back.outputs[behind, rows]], axis=1)
        return Read(outputs, *(np.stack(pair, 2) for pair in zip(ahead[1:], back[1:], strict=True)))

    def look(self, outputs: Floats) -> Floats:
        """`outputs` (N, I) of the encoder → what attention looks at (N, 2U)."""
        return multiply(outputs, self._weights.memory_kernel)

    def _start(self, read: Read, count: int) -> State:
        layers = self._layer_count
        state = np.zeros((count, 2 * layers + 1, self.units), np.float32)
        if self.hparams.passes_state:
            state[:, 1 : layers + 1] = read.states.reshape(count, layers, -1)
            state[:, layers + 1 :] = read.cells.reshape(count, layers, -1)
        return state

    def room(self, rows: int) -> Room:
        """Room for the logits of so many hypotheses."""
        return Logits(self._weights.projection, rows)

    def step(self, ids: NDArray[np.intp], state: State, memory: Memory, owners: NDArray[np.intp]) -> Floats:
        """One token for each hypothesis: `ids` (N,) → what `room` makes scores of, (N, U).

        `owners` (N,), rising, are the sources of `memory` that they belong to; `state` is updated in place.
        """
        weights = self._weights
        count, layers, said = len(state), self._layer_count, state[:, 0]
        for i, kernel in enumerate(weights.kernels):
            outputs, cells = state[:, i + 1], state[:, layers + 1 + i]
            if i <= weights.first_residual:  # what the layer below said lies beside the layer's own outputs already
                gates = multiply(state[:, i : i + 2].reshape(count, -1), kernel)
            else:
                gates = multiply(np.concatenate([said, outputs], axis=1), kernel)
            gates += weights.biases[i] if i else weights.table[ids]
            run_gates(gates, cells, cells, outputs)
            said = outputs + said if i >= weights.first_residual else outputs
        vector = multiply(said, weights.query_kernel)
        vector += memory.attend(said, owners)
        state[:, 0] = vector
        return vector if self.hparams.output_attention else said.copy()

    def search_greedily(
        self, owners: NDArray[np.intp], bounds: NDArray[np.intp], state: State, memory: Memory, ends: Ends
    ) -> GreedyAnswers:
        """The likeliest token, again and again: `owners` and `state` as in `step`, `bounds` (N,) the most tokens."""
        count = len(bounds)
        ids, said = np.zeros((count, int(bounds.max())), np.intp), np.zeros(count, np.intp)
        totals = np.zeros(count, np.float32)
        rows, last, room = np.arange(count), np.full(count, ends.sos_id), self.room(count)
        for t in range(ids.shape[1]):
            last, log_probs = room.likeliest(self.step(last, state, memory, owners[rows]))
            totals[rows] += log_probs
            ids[rows, t], said[rows] = last, t + 1
            kept = np.flatnonzero((last != ends.eos_id) & (t + 1 < bounds[rows]))
            if not len(kept):
                break
            if len(kept) < len(rows):
                rows, last, state = rows[kept], last[kept], state[kept]
        return GreedyAnswers(ids, said, totals)


def _places(ids: Ids, lengths: Indices) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """`ids` (B, S), `lengths` (B,) → the columns and the rows of all tokens that are no padding, column by column."""
    times, rows = np.nonzero(np.arange(ids.shape[1])[:, np.newaxis] < lengths)
    return times, rows


def _table(embedding: AnyEmbedding) -> Floats:
    """Every token's embedding, (V, its size)."""
    if isinstance(embedding, PretrainedEmbedding):
        return np.asarray(embedding(tf.range(embedding.places.shape[0])))
    if isinstance(embedding, Embedding):
        return np.asarray(embedding.table)
    raise NmtError("NumpyModel is not for tokens that are read letter by letter")
