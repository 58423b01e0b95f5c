"""The recurrent cell that a search over architectures found."""

from __future__ import annotations

import tensorflow as tf

from core.nmt.embeddings import Initializer
from core.nmt.recurrence import LSTMState, SteppedCell


class NASCell(SteppedCell[LSTMState]):
    """Zoph and Le (2017), "Neural Architecture Search with Reinforcement Learning", the cell of appendix A.

    With x_k = x W_k and h_k = h U_k, k = 0 … 7, without biases, as TensorFlow 1's `NASCell` has it:

        a_0 = σ(x_0 + h_0)   a_1 = relu(x_1 + h_1)   a_2 = σ(x_2 + h_2)   a_3 = relu(x_3 ∘ h_3)
        a_4 = tanh(x_4 + h_4)   a_5 = σ(x_5 + h_5)   a_6 = tanh(x_6 + h_6)   a_7 = σ(x_7 + h_7)
        c' = tanh(c + tanh(a_0 ∘ a_1)) ∘ tanh(a_2 + a_3)
        h' = tanh(c' ∘ tanh(tanh(a_4 ∘ a_5) + σ(a_6 + a_7)))

    The kernels, (I, 8U) and (U, 8U), hold W_0 … W_7 and U_0 … U_7 side by side, as in TensorFlow 1.
    """

    def __init__(self, input_size: int, num_units: int, init: Initializer, name: str) -> None:
        super().__init__(name=name)
        self.num_units = num_units
        self.kernel = tf.Variable(init((input_size, 8 * num_units)), name="kernel")
        self.recurrent_kernel = tf.Variable(init((num_units, 8 * num_units)), name="recurrent_kernel")

    def zero_state(self, batch_size: tf.Tensor) -> LSTMState:
        """Zeros."""
        zeros = tf.zeros((batch_size, self.num_units))
        return LSTMState(zeros, zeros)

    def project(self, inputs: tf.Tensor) -> tf.Tensor:
        """`inputs` (…, I) → (…, 8U), the x_k."""
        return tf.tensordot(inputs, self.kernel, 1)

    def advance(self, projected: tf.Tensor, state: LSTMState) -> LSTMState:
        """`projected` (B, 8U) → the next state, both (B, U)."""
        x = tf.split(projected, 8, axis=-1)
        h = tf.split(state.h @ self.recurrent_kernel, 8, axis=-1)
        writes = tf.tanh(tf.sigmoid(x[0] + h[0]) * tf.nn.relu(x[1] + h[1]))
        scales = tf.tanh(tf.sigmoid(x[2] + h[2]) + tf.nn.relu(x[3] * h[3]))
        left = tf.tanh(tf.tanh(x[4] + h[4]) * tf.sigmoid(x[5] + h[5]))
        right = tf.sigmoid(tf.tanh(x[6] + h[6]) + tf.sigmoid(x[7] + h[7]))
        c = tf.tanh(state.c + writes) * scales
        return LSTMState(c, tf.tanh(c * tf.tanh(left + right)))
