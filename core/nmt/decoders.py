"""Decoders: one token after another, from their own state and from what attention finds in the source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from core.nmt.attention import Attention, Memory, attend, make_attention
from core.nmt.cells import LSTMCell, make_cell
from core.nmt.embeddings import Initializer
from core.nmt.encoders import Dropout, Encoded
from core.nmt.hparams import HParams
from core.nmt.input_feeding import Layers, feed_inputs
from core.nmt.recurrence import Cell, CellState, LSTMState

# Salts of the decoder's dropout masks, apart from the encoder's.
_SALT = 1000


class DecoderState(NamedTuple):
    """What is carried from one token to the next.

    `cells`: one state a layer; `attention_vector` (B, A), what attention gave and what is fed into the next step:
    A is U, or the memory's size M in GNMT's architectures, or 0 without attention.
    """

    cells: tuple[CellState, ...]
    attention_vector: tf.Tensor


class RecurrentDecoder(tf.Module):  # type: ignore[misc]
    """What all architectures share: a stack of cells, where they start from, and teacher forcing.

    The layers up to the attention, `asking` in number, need what it found a step before, so they run token by
    token; with teacher forcing those above it run over all tokens at once. A subclass calls `_make_cells` with the
    sizes of their inputs, and says what lies above the attention.
    """

    mechanism: Attention | None = None
    attention_kernel: tf.Variable | None = None
    attention_size: int = 0
    asking: int
    cells: Sequence[Cell]
    input_sizes: Sequence[int]

    def __init__(self, hparams: HParams) -> None:
        super().__init__(name="decoder")
        self.num_units = hparams.num_units
        self.passes_state = hparams.passes_state
        self.first_residual = hparams.decoder_layers - hparams.decoder_residual_layers

    def zero_state(self, batch_size: tf.Tensor) -> DecoderState:
        """The state that knows of no source and of no token."""
        cells = tuple(cell.zero_state(batch_size) for cell in self.cells)
        return DecoderState(cells, tf.zeros((batch_size, self.attention_size)))

    def start(self, encoded: Encoded, source_lengths: tf.Tensor) -> tuple[DecoderState, Memory | tuple[()]]:
        """The state before the first token, and what attention will look at, which is `()` without attention."""
        batch_size = tf.shape(source_lengths)[0]
        if self.passes_state:
            state = DecoderState(encoded.state, tf.zeros((batch_size, self.attention_size)))
        else:
            state = self.zero_state(batch_size)
        return state, self.mechanism.remember(encoded.outputs, source_lengths) if self.mechanism else ()

    def step(
        self, embedded: tf.Tensor, state: DecoderState, memory: Memory | tuple[()], masks: Sequence[tf.Tensor] = ()
    ) -> tuple[tf.Tensor, DecoderState, tf.Tensor]:
        """One token: `embedded` (B, E) → output (B, U), the next state, alignments (B, S).

        `masks`, one a layer, (B, size of the layer's input), are multiplied with what goes into the cells.
        Without attention the alignments are (B, 0).
        """
        query, asked, alignments = self._ask(embedded, state, memory, masks)
        output, above = self._step_above(query, state, asked.attention_vector, masks)
        return output, asked._replace(cells=asked.cells + above), alignments

    def sequence(
        self, embedded: tf.Tensor, state: DecoderState, memory: Memory | tuple[()], dropout: Dropout | None
    ) -> tf.Tensor:
        """Teacher forcing: `embedded` (T, B, E), time-major → outputs (T, B, U)."""
        masks = self._dropout_masks(embedded, dropout)
        below = [cell for cell in self.cells[: self.asking] if isinstance(cell, LSTMCell)]
        if self.mechanism is None or not memory:
            queries = self._run_layers(embedded, state, masks)
            vectors = queries[:, :, :0]
        elif len(below) == self.asking:
            queries, vectors = self._ask_all_lstm(below, embedded, state, memory, masks)
        else:
            queries, vectors = self._ask_all(embedded, state, memory, masks)
        return self._sequence_above(queries, state, vectors, masks)

    def _ask(
        self, embedded: tf.Tensor, state: DecoderState, memory: Memory | tuple[()], masks: Sequence[tf.Tensor]
    ) -> tuple[tf.Tensor, DecoderState, tf.Tensor]:
        """One token up to the attention: query (B, U), the next state of these cells, alignments (B, S)."""
        inputs = tf.concat([embedded, state.attention_vector], -1)
        cells = []
        for i, cell in enumerate(self.cells[: self.asking]):
            output, cell_state = cell.step(inputs * masks[i] if masks else inputs, state.cells[i])
            inputs = output + inputs if i >= self.first_residual else output
            cells.append(cell_state)
        if self.mechanism is None or not memory:
            return inputs, DecoderState(tuple(cells), inputs[:, :0]), inputs[:, :0]
        context, alignments = attend(self.mechanism, inputs, memory)
        kernel = self.attention_kernel
        vector = context if kernel is None else tf.concat([inputs, context], -1) @ kernel
        return inputs, DecoderState(tuple(cells), vector), alignments

    def _ask_all(
        self, embedded: tf.Tensor, state: DecoderState, memory: Memory | tuple[()], masks: Sequence[tf.Tensor]
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """`_ask` for every token of `embedded` (T, B, E): queries (T, B, U), attention vectors (T, B, A)."""
        steps = tf.shape(embedded)[0]
        rows = tf.TensorArray(tf.float32, steps).unstack(embedded)
        mask_rows = [tf.TensorArray(tf.float32, steps).unstack(mask) for mask in masks[: self.asking]]

        def body(t: tf.Tensor, state: DecoderState, *arrays: tf.TensorArray) -> tuple[Any, ...]:
            query, state, _ = self._ask(rows.read(t), state, memory, [row.read(t) for row in mask_rows])
            found = (query, state.attention_vector)
            return t + 1, state, *(array.write(t, x) for array, x in zip(arrays, found, strict=True))

        state = state._replace(cells=state.cells[: self.asking])
        arrays = [
            tf.TensorArray(tf.float32, steps, element_shape=(embedded.shape[1], size))
            for size in (self.num_units, self.attention_size)
        ]
        _, _, queries, vectors = tf.while_loop(
            lambda t, *_: t < steps, body, (tf.constant(0), state, *arrays), maximum_iterations=steps
        )
        return queries.stack(), vectors.stack()

    def _ask_all_lstm(
        self,
        below: Sequence[LSTMCell],
        embedded: tf.Tensor,
        state: DecoderState,
        memory: Memory,
        masks: Sequence[tf.Tensor],
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """`_ask_all` for LSTM cells, with a faster gradient."""
        assert self.mechanism is not None
        layers = Layers(
            kernels=[cell.kernel.read_value() for cell in below],
            biases=[cell.bias.read_value() for cell in below],
            forget_bias=below[0].forget_bias,
            first_residual=self.first_residual,
            mechanism=self.mechanism,
            attention_kernel=None if self.attention_kernel is None else self.attention_kernel.read_value(),
        )
        states = [LSTMState(*cell) for cell in state.cells[: self.asking]]
        return feed_inputs(layers, embedded, states, memory, masks)

    def _run_layers(self, inputs: tf.Tensor, state: DecoderState, masks: Sequence[tf.Tensor]) -> tf.Tensor:
        """`inputs` (T, B, I) through one layer after the other, where nothing is fed back."""
        for i, cell in enumerate(self.cells):
            outputs = cell.outputs(inputs * masks[i] if masks else inputs, state.cells[i])
            inputs = outputs + inputs if i >= self.first_residual else outputs
        return inputs

    def _step_above(
        self, query: tf.Tensor, state: DecoderState, vector: tf.Tensor, masks: Sequence[tf.Tensor]
    ) -> tuple[tf.Tensor, tuple[CellState, ...]]:
        """From the query (B, U) and what attention gave now, `vector` (B, A): output (B, U), the cells' next states."""
        raise NotImplementedError

    def _sequence_above(
        self, queries: tf.Tensor, state: DecoderState, vectors: tf.Tensor, masks: Sequence[tf.Tensor]
    ) -> tf.Tensor:
        """The same for all steps: `queries` (T, B, U), `vectors` (T, B, A) → outputs (T, B, U)."""
        raise NotImplementedError

    def _make_cells(self, hparams: HParams, input_sizes: Sequence[int], init: Initializer) -> None:
        self.input_sizes = input_sizes
        self.cells = [
            make_cell(hparams.unit_type, size, hparams.num_units, hparams.forget_bias, init, f"layer_{i}")
            for i, size in enumerate(input_sizes)
        ]

    def _dropout_masks(self, embedded: tf.Tensor, dropout: Dropout | None) -> list[tf.Tensor]:
        """Masks for all steps of a layer at once, (T, B, size of its input); drawing them in the loop is slower."""
        if dropout is None or dropout.rate == 0:
            return []
        steps, batch_size = tf.shape(embedded)[0], tf.shape(embedded)[1]
        return [dropout(tf.ones((steps, batch_size, size)), _SALT + i) for i, size in enumerate(self.input_sizes)]


class StandardDecoder(RecurrentDecoder):
    """Stacked cells with input feeding: Luong et al. (2015), section 3.3.

    At each step the bottom cell sees the token's embedding and the last attention vector; the top cell's output
    is the query; and a_t = W_c [query; context] is the new attention vector. As in tensorflow/nmt it is not put through
    the tanh of Luong's Eq. 5. Without attention it is the plain decoder of Sutskever et al. (2014).
    """

    def __init__(self, hparams: HParams, memory_size: int, input_size: int, init: Initializer) -> None:
        super().__init__(hparams)
        units = hparams.num_units
        self.output_attention = hparams.output_attention
        self.asking = hparams.decoder_layers
        if hparams.attention:
            self.attention_size = units
            self.mechanism = make_attention(hparams.attention, memory_size, units, init)
            self.attention_kernel = tf.Variable(init((units + memory_size, units)), name="attention_kernel")
        self._make_cells(hparams, [input_size + self.attention_size] + [units] * (hparams.decoder_layers - 1), init)

    def _step_above(
        self, query: tf.Tensor, state: DecoderState, vector: tf.Tensor, masks: Sequence[tf.Tensor]
    ) -> tuple[tf.Tensor, tuple[CellState, ...]]:
        return self._sequence_above(query, state, vector, masks), ()

    def _sequence_above(
        self, queries: tf.Tensor, state: DecoderState, vectors: tf.Tensor, masks: Sequence[tf.Tensor]
    ) -> tf.Tensor:
        return vectors if self.mechanism is not None and self.output_attention else queries


class GNMTDecoder(RecurrentDecoder):
    """Attention at the bottom, its context for all layers: Wu et al. (2016), section 3.

    The bottom cell sees the token's embedding and the last context; its output is the query; and every layer above
    sees the output of the one below and a context: the last one (gnmt), or with `newest_context` the present one
    (gnmt_v2). The context, (B, M), is fed as it is, without an attention layer, and the output is the top layer's:
    `--output_attention` means nothing here.

    A residual connection adds what the layer below put out, not the context beside it.
    """

    asking = 1

    def __init__(self, hparams: HParams, memory_size: int, input_size: int, init: Initializer) -> None:
        super().__init__(hparams)
        units = hparams.num_units
        self.newest_context = hparams.attention_architecture == "gnmt_v2"
        self.attention_size = memory_size
        self.mechanism = make_attention(hparams.attention, memory_size, units, init)
        above = [units + memory_size] * (hparams.decoder_layers - 1)
        self._make_cells(hparams, [input_size + memory_size, *above], init)

    def _step_above(
        self, query: tf.Tensor, state: DecoderState, vector: tf.Tensor, masks: Sequence[tf.Tensor]
    ) -> tuple[tf.Tensor, tuple[CellState, ...]]:
        seen = vector if self.newest_context else state.attention_vector
        output, cells = query, []
        for i, cell in enumerate(self.cells[1:], start=1):
            below = output
            inputs = tf.concat([below, seen], -1)
            output, cell_state = cell.step(inputs * masks[i] if masks else inputs, state.cells[i])
            output = output + below if i >= self.first_residual else output
            cells.append(cell_state)
        return output, tuple(cells)

    def _sequence_above(
        self, queries: tf.Tensor, state: DecoderState, vectors: tf.Tensor, masks: Sequence[tf.Tensor]
    ) -> tf.Tensor:
        earlier = tf.concat([state.attention_vector[tf.newaxis], vectors[:-1]], 0)
        seen = vectors if self.newest_context else earlier
        outputs = queries
        for i, cell in enumerate(self.cells[1:], start=1):
            below = outputs
            inputs = tf.concat([below, seen], -1)
            outputs = cell.outputs(inputs * masks[i] if masks else inputs, state.cells[i])
            outputs = outputs + below if i >= self.first_residual else outputs
        return outputs


def make_decoder(
    hparams: HParams, memory_size: int, init: Initializer, input_size: int | None = None
) -> RecurrentDecoder:
    """The decoder that `--attention_architecture` names.

    `memory_size` is that of the encoder's outputs, M; `input_size` that of the embeddings, U without it.
    """
    kind = StandardDecoder if hparams.attention_architecture == "standard" else GNMTDecoder
    return kind(hparams, memory_size, input_size or hparams.num_units, init)
