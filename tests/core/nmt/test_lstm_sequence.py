"""A layer's whole sequence: outputs and gradient against the plain equations, differentiated by TensorFlow."""

import numpy as np
import pytest
import tensorflow as tf

from core.nmt.lstm_sequence import before, run_lstm
from core.nmt.recurrence import LSTMState

S, B, SIZE, U = 4, 3, 5, 2


def plain(inputs, state, kernel, bias, forget_bias):
    """The equations, one step after another."""
    c, h = state
    cells, outputs = [], []
    for t in range(S):
        i, g, f, o = tf.split(tf.concat([inputs[t], h], 1) @ kernel + bias, 4, axis=1)
        c = tf.sigmoid(f + forget_bias) * c + tf.sigmoid(i) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(c)
        cells.append(c)
        outputs.append(h)
    return tf.stack(cells), tf.stack(outputs)


def test_outputs_and_every_gradient_are_those_of_the_equations(rng):
    def normal(*shape):
        return tf.constant(rng.normal(size=shape), tf.float32)

    inputs, kernel, bias = normal(S, B, SIZE), normal(SIZE + U, 4 * U), normal(4 * U)
    state = LSTMState(normal(B, U), normal(B, U))
    d_cells, d_outputs = normal(S, B, U), normal(S, B, U)
    results = []
    for run in (plain, run_lstm):
        with tf.GradientTape() as tape:
            tape.watch([inputs, kernel, bias, *state])
            cells, outputs = run(inputs, state, kernel, bias, 0.7)
            total = tf.reduce_sum(cells * d_cells) + tf.reduce_sum(outputs * d_outputs)
        results.append([cells, outputs, *tape.gradient(total, [inputs, kernel, bias, *state])])
    for expected, found in zip(*results, strict=True):
        assert found.numpy() == pytest.approx(expected.numpy(), abs=1e-5)


def test_a_sequence_one_step_later_begins_with_what_came_before_it():
    later = before(tf.constant([[9.0]]), tf.constant([[[1.0]], [[2.0]], [[3.0]]]))
    assert np.ravel(later).tolist() == [9, 1, 2]
