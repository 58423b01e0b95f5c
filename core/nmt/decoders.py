"""The decoder: one token after another, from its own state and from what attention finds in the source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from core.nmt.attention import Attention, Memory, attend, make_attention
from core.nmt.cells import Cell, CellState, make_cell
from core.nmt.embeddings import Initializer
from core.nmt.encoders import Dropout, Encoded
from core.nmt.hparams import HParams

# Salts of the decoder's dropout masks, apart from the encoder's.
_SALT = 1000


class DecoderState(NamedTuple):
    """`cells`: one state a layer; `attention_vector` (B, U), fed into the next step (no column without attention)."""

    cells: tuple[CellState, ...]
    attention_vector: tf.Tensor


class Decoder(tf.Module):  # type: ignore[misc]
    """Stacked cells with input feeding: Luong et al. (2015), section 3.3.

    At each step the bottom cell sees the token's embedding and the last attention vector; the top cell's output
    is the query; and a_t = W_c [query; context] is the new attention vector. As in tensorflow/nmt it is not put through
    the tanh of Luong's Eq. 5.
    """

    def __init__(self, hparams: HParams, memory_size: int, init: Initializer) -> None:
        super().__init__(name="decoder")
        units = hparams.num_units
        self.num_units = units
        self.output_attention = hparams.output_attention
        self.passes_state = hparams.passes_state
        self.first_residual = 1 if hparams.residual else hparams.decoder_layers
        self.mechanism: Attention | None = None
        if hparams.attention:
            self.mechanism = make_attention(hparams.attention, memory_size, units, init)
            self.attention_kernel = tf.Variable(init((units + memory_size, units)), name="attention_kernel")
        bottom = 2 * units if self.mechanism else units
        self.cells: Sequence[Cell] = [
            make_cell(hparams.unit_type, bottom if i == 0 else units, units, hparams.forget_bias, init, f"layer_{i}")
            for i in range(hparams.decoder_layers)
        ]

    def start(self, encoded: Encoded, source_lengths: tf.Tensor) -> tuple[DecoderState, Memory | tuple[()]]:
        """The state before the first token, and what attention will look at, which is `()` without attention."""
        batch_size = tf.shape(source_lengths)[0]
        cells = encoded.state if self.passes_state else tuple(c.zero_state(batch_size) for c in self.cells)
        if self.mechanism is None:
            return DecoderState(cells, tf.zeros((batch_size, 0))), ()
        memory = self.mechanism.remember(encoded.outputs, source_lengths)
        return DecoderState(cells, tf.zeros((batch_size, self.num_units))), memory

    def step(
        self, embedded: tf.Tensor, state: DecoderState, memory: Memory | tuple[()], masks: Sequence[tf.Tensor] = ()
    ) -> tuple[tf.Tensor, DecoderState, tf.Tensor]:
        """One token: `embedded` (B, U) → output (B, U), the next state, alignments (B, S).

        `masks`, one a layer, (B, size of the layer's input), are multiplied with what goes into the cells.
        Without attention the alignments are (B, 0).
        """
        inputs = tf.concat([embedded, state.attention_vector], -1)
        cells = []
        for i, cell in enumerate(self.cells):
            output, cell_state = cell.step(inputs * masks[i] if masks else inputs, state.cells[i])
            inputs = output + inputs if i >= self.first_residual else output
            cells.append(cell_state)
        if self.mechanism is None or not memory:
            return inputs, DecoderState(tuple(cells), state.attention_vector), inputs[:, :0]
        context, alignments = attend(self.mechanism, inputs, memory)
        attention_vector = tf.concat([inputs, context], -1) @ self.attention_kernel
        output = attention_vector if self.output_attention else inputs
        return output, DecoderState(tuple(cells), attention_vector), alignments

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

    def _dropout_masks(self, embedded: tf.Tensor, dropout: Dropout | None) -> list[tf.Tensor]:
        """Masks for all steps of a layer at once, (T, B, size of its input); drawing them in the loop is slower."""
        if dropout is None or dropout.rate == 0:
            return []
        steps, batch_size = tf.shape(embedded)[0], tf.shape(embedded)[1]
        bottom = 2 * self.num_units if self.mechanism else self.num_units
        sizes = [bottom] + [self.num_units] * (len(self.cells) - 1)
        return [dropout(tf.ones((steps, batch_size, size)), _SALT + i) for i, size in enumerate(sizes)]
