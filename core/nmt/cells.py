"""The cells that flags name: one step, or a whole sequence at once. They know neither layers nor attention."""

from __future__ import annotations

import tensorflow as tf

from core.nmt.embeddings import Initializer
from core.nmt.layer_norm_lstm import LayerNormLSTMCell
from core.nmt.lstm_sequence import run_lstm
from core.nmt.nas_cell import NASCell
from core.nmt.recurrence import Cell, GRUState, LSTMState, SteppedCell


class LSTMCell(tf.Module):  # type: ignore[misc]
    """Long short-term memory: Hochreiter and Schmidhuber (1997), with a forget gate, without peepholes.

        i, f, o = σ(x W_i + h U_i + b_i), …;  g = tanh(x W_g + h U_g + b_g)
        c' = f ∘ c + i ∘ g;  h' = o ∘ tanh(c')

    The kernel is ((I + U), 4U) with its gates in the order i, g, f, o, as in tensorflow/nmt. The forget bias is added
    on top of the learned bias.
    """

    def __init__(self, input_size: int, num_units: int, forget_bias: float, init: Initializer, name: str) -> None:
        super().__init__(name=name)
        self.num_units = num_units
        self.kernel = tf.Variable(init((input_size + num_units, 4 * num_units)), name="kernel")
        self.bias = tf.Variable(tf.zeros((4 * num_units,)), name="bias")
        self.forget_bias = forget_bias

    def zero_state(self, batch_size: tf.Tensor) -> LSTMState:
        """Zeros."""
        zeros = tf.zeros((batch_size, self.num_units))
        return LSTMState(zeros, zeros)

    def step(self, inputs: tf.Tensor, state: LSTMState) -> tuple[tf.Tensor, LSTMState]:
        """`inputs` (B, I) → (B, U), next state."""
        cells, outputs = (tf.squeeze(x, 0) for x in self._run(tf.expand_dims(inputs, 0), state))
        return outputs, LSTMState(cells, outputs)

    def sequence(self, inputs: tf.Tensor, lengths: tf.Tensor) -> tuple[tf.Tensor, LSTMState]:
        """`inputs` (S, B, I), `lengths` (B,) → outputs (S, B, U), state after the last token."""
        cells, outputs = self._run(inputs, self.zero_state(tf.shape(inputs)[1]))
        return outputs, LSTMState(at_last(cells, lengths), at_last(outputs, lengths))

    def outputs(self, inputs: tf.Tensor, state: LSTMState) -> tf.Tensor:
        """`inputs` (T, B, I), all of them real, from `state` on → outputs (T, B, U)."""
        return self._run(inputs, state)[1]

    def _run(self, inputs: tf.Tensor, state: LSTMState) -> tuple[tf.Tensor, tf.Tensor]:
        """All steps at once: memory cells and outputs, both (S, B, U)."""
        return run_lstm(inputs, state, self.kernel.read_value(), self.bias.read_value(), self.forget_bias)


class GRUCell(SteppedCell[GRUState]):
    """Gated recurrent unit: Cho et al. (2014), "Learning Phrase Representations using RNN Encoder–Decoder".

        r, u = σ([x, h] W + b);  g = tanh([x, r ∘ h] V + a);  h' = u ∘ h + (1 − u) ∘ g      (Eq. 5–8)

    As in tensorflow/nmt the gates' bias begins at 1, so that a young cell keeps its state.
    """

    def __init__(self, input_size: int, num_units: int, init: Initializer, name: str) -> None:
        super().__init__(name=name)
        self.input_size, self.num_units = input_size, num_units
        self.gates_kernel = tf.Variable(init((input_size + num_units, 2 * num_units)), name="gates_kernel")
        self.gates_bias = tf.Variable(tf.ones((2 * num_units,)), name="gates_bias")
        self.kernel = tf.Variable(init((input_size + num_units, num_units)), name="kernel")
        self.bias = tf.Variable(tf.zeros((num_units,)), name="bias")

    def zero_state(self, batch_size: tf.Tensor) -> GRUState:
        """Zeros."""
        return GRUState(tf.zeros((batch_size, self.num_units)))

    def project(self, inputs: tf.Tensor) -> tf.Tensor:
        """`inputs` (…, I) → (…, 3U), the inputs' share of r, u and g."""
        kernels = tf.concat([self.gates_kernel[: self.input_size], self.kernel[: self.input_size]], 1)
        return tf.tensordot(inputs, kernels, 1) + tf.concat([self.gates_bias, self.bias], 0)

    def advance(self, projected: tf.Tensor, state: GRUState) -> GRUState:
        """`projected` (B, 3U) → the next state (B, U)."""
        h = state.h
        of_gates, of_g = tf.split(projected, [2 * self.num_units, self.num_units], axis=-1)
        r, u = tf.split(tf.sigmoid(of_gates + h @ self.gates_kernel[self.input_size :]), 2, axis=-1)
        g = tf.tanh(of_g + (r * h) @ self.kernel[self.input_size :])
        return GRUState(u * h + (1 - u) * g)


def at_last(sequence: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """`sequence` (S, B, U), `lengths` (B,) → (B, U), each row at its last token; a row without tokens is zeros."""
    rows = tf.range(tf.shape(sequence)[1])
    last = tf.gather_nd(sequence, tf.stack([tf.maximum(lengths - 1, 0), rows], axis=1))
    return tf.where(lengths[:, tf.newaxis] > 0, last, tf.zeros_like(last))


def make_cell(
    unit_type: str, input_size: int, num_units: int, forget_bias: float, init: Initializer, name: str
) -> Cell:
    """The cell that `--unit_type` names."""
    if unit_type == "lstm":
        return LSTMCell(input_size, num_units, forget_bias, init, name)
    if unit_type == "layer_norm_lstm":
        return LayerNormLSTMCell(input_size, num_units, forget_bias, init, name)
    if unit_type == "nas":
        return NASCell(input_size, num_units, init, name)
    return GRUCell(input_size, num_units, init, name)
