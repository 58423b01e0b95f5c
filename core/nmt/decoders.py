"""Decoders: one token after another, from their own state and from what attention finds in the source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from core.nmt.attention import Attention, Memory, attend, make_attention
from core.nmt.cells import make_cell
from core.nmt.embeddings import Initializer
from core.nmt.encoders import Dropout, Encoded
from core.nmt.hparams import HParams
from core.nmt.recurrence import Cell, CellState

# Salts of the decoder's dropout masks, apart from the encoder's.
_SALT = 1000


class DecoderState(NamedTuple):
    """What is carried from one token to the next.

    `cells`: one state a layer; `attention_vector` (B, A), what attention gave and what is fed into the next step:
    A is U, or the memory's size M in GNMT's architectures, or 0 without attention.
    """

    cells: tuple[CellState, ...]
    attention_vector: tf.Tensor


class Decoder(tf.Module):  # type: ignore[misc]
    """What all architectures share: a stack of cells, where they start from, and teacher forcing.

    A subclass calls `_make_cells` with the sizes of their inputs, and gives `step`.
    """

    mechanism: Attention | None = None
    attention_size: int = 0
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
        state = self.zero_state(tf.shape(source_lengths)[0])
        if self.passes_state:
            state = state._replace(cells=encoded.state)
        return state, self.mechanism.remember(encoded.outputs, source_lengths) if self.mechanism else ()

    def step(
        self, embedded: tf.Tensor, state: DecoderState, memory: Memory | tuple[()], masks: Sequence[tf.Tensor] = ()
    ) -> tuple[tf.Tensor, DecoderState, tf.Tensor]:
        """One token: `embedded` (B, U) → output (B, U), the next state, alignments (B, S).

        `masks`, one a layer, (B, size of the layer's input), are multiplied with what goes into the cells.
        Without attention the alignments are (B, 0).
        """
        raise NotImplementedError

    def sequence(
        self, embedded: tf.Tensor, state: DecoderState, memory: Memory | tuple[()], dropout: Dropout | None
    ) -> tf.Tensor:
        """Teacher forcing: `embedded` (T, B, U), time-major → outputs (T, B, U)."""
        steps = tf.shape(embedded)[0]
        rows = tf.TensorArray(tf.float32, steps).unstack(embedded)
        masks = [tf.TensorArray(tf.float32, steps).unstack(m) for m in self._dropout_masks(embedded, dropout)]

        def body(
            t: tf.Tensor, state: DecoderState, outputs: tf.TensorArray
        ) -> tuple[tf.Tensor, DecoderState, tf.TensorArray]:
            output, state, _ = self.step(rows.read(t), state, memory, [m.read(t) for m in masks])
            return t + 1, state, outputs.write(t, output)

        outputs = tf.TensorArray(tf.float32, steps)
        _, _, outputs = tf.while_loop(
            lambda t, *_: t < steps, body, (tf.constant(0), state, outputs), maximum_iterations=steps
        )
        stacked = outputs.stack()
        stacked.set_shape((None, None, self.num_units))
        return stacked

    def _make_cells(self, hparams: HParams, input_sizes: Sequence[int], init: Initializer) -> None:
        self.input_sizes = input_sizes
        self.cells = [
            make_cell(hparams.unit_type, size, hparams.num_units, hparams.forget_bias, init, f"layer_{i}")
            for i, size in enumerate(input_sizes)
        ]

    def _attend(self, query: tf.Tensor, memory: Memory | tuple[()]) -> tuple[tf.Tensor, tf.Tensor]:
        """`query` (B, U) → context (B, M) and alignments (B, S), neither with a column without attention."""
        if self.mechanism is None or not memory:
            return query[:, :0], query[:, :0]
        return attend(self.mechanism, query, memory)

    def _dropout_masks(self, embedded: tf.Tensor, dropout: Dropout | None) -> list[tf.Tensor]:
        """Masks for all steps of a layer at once, (T, B, size of its input); drawing them in the loop is slower."""
        if dropout is None or dropout.rate == 0:
            return []
        steps, batch_size = tf.shape(embedded)[0], tf.shape(embedded)[1]
        return [dropout(tf.ones((steps, batch_size, size)), _SALT + i) for i, size in enumerate(self.input_sizes)]


class StandardDecoder(Decoder):
    """Stacked cells with input feeding: Luong et al. (2015), section 3.3.

    At each step the bottom cell sees the token's embedding and the last attention vector; the top cell's output
    is the query; and a_t = W_c [query; context] is the new attention vector. As in tensorflow/nmt it is not put through
    the tanh of Luong's Eq. 5. Without attention it is the plain decoder of Sutskever et al. (2014).
    """

    def __init__(self, hparams: HParams, memory_size: int, input_size: int, init: Initializer) -> None:
        super().__init__(hparams)
        units = hparams.num_units
        self.output_attention = hparams.output_attention
        if hparams.attention:
            self.attention_size = units
            self.mechanism = make_attention(hparams.attention, memory_size, units, init)
            self.attention_kernel = tf.Variable(init((units + memory_size, units)), name="attention_kernel")
        self._make_cells(hparams, [input_size + self.attention_size] + [units] * (hparams.decoder_layers - 1), init)

    def step(
        self, embedded: tf.Tensor, state: DecoderState, memory: Memory | tuple[()], masks: Sequence[tf.Tensor] = ()
    ) -> tuple[tf.Tensor, DecoderState, tf.Tensor]:
        """See `Decoder.step`."""
        inputs = tf.concat([embedded, state.attention_vector], -1)
        cells = []
        for i, cell in enumerate(self.cells):
            output, cell_state = cell.step(inputs * masks[i] if masks else inputs, state.cells[i])
            inputs = output + inputs if i >= self.first_residual else output
            cells.append(cell_state)
        context, alignments = self._attend(inputs, memory)
        if self.mechanism is None:
            return inputs, DecoderState(tuple(cells), context), alignments
        attention_vector = tf.concat([inputs, context], -1) @ self.attention_kernel
        output = attention_vector if self.output_attention else inputs
        return output, DecoderState(tuple(cells), attention_vector), alignments


class GNMTDecoder(Decoder):
    """Attention at the bottom, its context for all layers: Wu et al. (2016), section 3.

    The bottom cell sees the token's embedding and the last context; its output is the query; and every layer above
    sees the output of the one below and a context: the last one (gnmt), or with `newest_context` the present one
    (gnmt_v2), whose layers above the first then need nothing from the step before but their own state. The context,
    (B, M), is fed as it is, without an attention layer, and the output is the top layer's: `--output_attention`
    means nothing here.

    A residual connection adds what the layer below put out, not the context beside it.
    """

    def __init__(self, hparams: HParams, memory_size: int, input_size: int, init: Initializer) -> None:
        super().__init__(hparams)
        units = hparams.num_units
        self.newest_context = hparams.attention_architecture == "gnmt_v2"
        self.attention_size = memory_size
        self.mechanism = make_attention(hparams.attention, memory_size, units, init)
        above = [units + memory_size] * (hparams.decoder_layers - 1)
        self._make_cells(hparams, [input_size + memory_size, *above], init)

    def step(
        self, embedded: tf.Tensor, state: DecoderState, memory: Memory | tuple[()], masks: Sequence[tf.Tensor] = ()
    ) -> tuple[tf.Tensor, DecoderState, tf.Tensor]:
        """See `Decoder.step`."""
        below = tf.concat([embedded, state.attention_vector], -1)
        output, bottom = self.cells[0].step(below * masks[0] if masks else below, state.cells[0])
        context, alignments = self._attend(output, memory)
        seen = context if self.newest_context else state.attention_vector
        cells = [bottom]
        for i, cell in enumerate(self.cells[1:], start=1):
            below = output
            inputs = tf.concat([below, seen], -1)
            output, cell_state = cell.step(inputs * masks[i] if masks else inputs, state.cells[i])
            output = output + below if i >= self.first_residual else output
            cells.append(cell_state)
        return output, DecoderState(tuple(cells), context), alignments


def make_decoder(hparams: HParams, memory_size: int, init: Initializer, input_size: int | None = None) -> Decoder:
    """The decoder that `--attention_architecture` names.

    `memory_size` is that of the encoder's outputs, M; `input_size` that of the embeddings, U without it.
    """
    kind = StandardDecoder if hparams.attention_architecture == "standard" else GNMTDecoder
    return kind(hparams, memory_size, input_size or hparams.num_units, init)
