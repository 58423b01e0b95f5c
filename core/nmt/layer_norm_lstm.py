"""The long short-term memory with layer normalisation."""

from __future__ import annotations

import tensorflow as tf

from core.nmt.embeddings import Initializer
from core.nmt.recurrence import LSTMState, SteppedCell

# TensorFlow 1's: so small that even a weak signal is brought to variance 1.
_EPSILON = 1e-12


class LayerNormLSTMCell(SteppedCell[LSTMState]):
    """Layer-normalised LSTM: Ba, Kiros and Hinton (2016), "Layer Normalization", in the form of TensorFlow 1.

        [i, g, f, o] = [x, h] W, without a bias, and each is normalised by itself: LN(z) = γ (z − μ) / √(σ² + ε) + β,
        where μ and σ² are over the U units of a row
        c' = LN(σ(LN(f) + forget_bias) ∘ c + σ(LN(i)) ∘ tanh(LN(g)));  h' = σ(LN(o)) ∘ tanh(c')

    It differs from the paper's Eq. 20-22 as TensorFlow 1's `LayerNormBasicLSTMCell` does: the gates are normalised
    after their sum, not x W and h W by themselves, and the memory cell that is carried on is the normalised one.

    The kernel is ((I + U), 4U), as in TensorFlow 1; `gamma` and `beta` (4, U) hold a row for each gate in the
    order i, g, f, o, which TensorFlow 1 calls input, transform, forget, output; `state_gamma`, `state_beta` (U,).
    """

    def __init__(self, input_size: int, num_units: int, forget_bias: float, init: Initializer, name: str) -> None:
        super().__init__(name=name)
        self.input_size, self.num_units, self.forget_bias = input_size, num_units, forget_bias
        self.kernel = tf.Variable(init((input_size + num_units, 4 * num_units)), name="kernel")
        self.gamma = tf.Variable(tf.ones((4, num_units)), name="gamma")
        self.beta = tf.Variable(tf.zeros((4, num_units)), name="beta")
        self.state_gamma = tf.Variable(tf.ones((num_units,)), name="state_gamma")
        self.state_beta = tf.Variable(tf.zeros((num_units,)), name="state_beta")

    def zero_state(self, batch_size: tf.Tensor) -> LSTMState:
        """Zeros."""
        zeros = tf.zeros((batch_size, self.num_units))
        return LSTMState(zeros, zeros)

    def project(self, inputs: tf.Tensor) -> tf.Tensor:
        """`inputs` (…, I) → (…, 4U), the inputs' share of the gates before the norm."""
        return tf.tensordot(inputs, self.kernel[: self.input_size], 1)

    def advance(self, projected: tf.Tensor, state: LSTMState) -> LSTMState:
        """`projected` (B, 4U) → the next state, both (B, U)."""
        gates = projected + state.h @ self.kernel[self.input_size :]
        gates = tf.reshape(gates, (-1, 4, self.num_units))
        i, g, f, o = tf.unstack(layer_norm(gates, self.gamma, self.beta), axis=1)
        c = tf.sigmoid(f + self.forget_bias) * state.c + tf.sigmoid(i) * tf.tanh(g)
        c = layer_norm(c, self.state_gamma, self.state_beta)
        return LSTMState(c, tf.sigmoid(o) * tf.tanh(c))


def layer_norm(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) -> tf.Tensor:
    """`x` (…, U) brought to mean 0 and variance 1 over its last axis, times `gamma`, plus `beta`."""
    mean, variance = tf.nn.moments(x, -1, keepdims=True)
    return (x - mean) * tf.math.rsqrt(variance + _EPSILON) * gamma + beta
