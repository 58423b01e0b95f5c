"""The cells, against NumPy in float64 and, for gradients, against the equations written out in TensorFlow."""

import numpy as np
import pytest
import tensorflow as tf

from core.nmt.cells import GRUCell, LSTMCell, at_last, make_cell
from core.nmt.recurrence import GRUState, LSTMState

B, S, X, U = 3, 5, 4, 2
FORGET_BIAS = 0.7
LENGTHS = np.array([5, 2, 0], np.int32)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_step(cell, x, c, h):
    """Hochreiter and Schmidhuber with a forget gate, in float64; returns c', h'."""
    kernel, bias = cell.kernel.numpy().astype(np.float64), cell.bias.numpy().astype(np.float64)
    i, g, f, o = np.split(np.concatenate([x, h], 1) @ kernel + bias, 4, axis=1)
    c = sigmoid(f + FORGET_BIAS) * c + sigmoid(i) * np.tanh(g)
    return c, sigmoid(o) * np.tanh(c)


def gru_step(cell, x, h):
    """Cho et al., Eq. 5-8, in float64."""
    weights = (cell.gates_kernel, cell.gates_bias, cell.kernel, cell.bias)
    gates_kernel, gates_bias, kernel, bias = (w.numpy().astype(np.float64) for w in weights)
    r, u = np.split(sigmoid(np.concatenate([x, h], 1) @ gates_kernel + gates_bias), 2, axis=1)
    g = np.tanh(np.concatenate([x, r * h], 1) @ kernel + bias)
    return u * h + (1 - u) * g


@pytest.fixture
def lstm(init, rng):
    cell = LSTMCell(X, U, FORGET_BIAS, init, "cell")
    cell.bias.assign(rng.normal(size=4 * U))
    return cell


@pytest.fixture
def gru(init, rng):
    cell = GRUCell(X, U, init, "cell")
    cell.gates_bias.assign(rng.normal(size=2 * U))
    cell.bias.assign(rng.normal(size=U))
    return cell


@pytest.fixture
def inputs(rng):
    return rng.normal(size=(S, B, X)).astype(np.float32)


@pytest.fixture
def state(rng):
    return rng.normal(size=(2, B, U)).astype(np.float32)


def test_an_lstm_step_is_the_papers(lstm, inputs, state, relative_error):
    c, h = lstm_step(lstm, inputs[0], *state)
    output, after = lstm.step(inputs[0], LSTMState(*state))
    assert relative_error(output, h) < 1e-5
    assert relative_error(after.h, h) < 1e-5
    assert relative_error(after.c, c) < 1e-5


def test_a_gru_step_is_the_papers(gru, inputs, state, relative_error):
    h = gru_step(gru, inputs[0], state[0])
    output, after = gru.step(inputs[0], GRUState(state[0]))
    assert relative_error(output, h) < 1e-5
    assert relative_error(after.h, h) < 1e-5


def test_an_lstm_sequence_is_its_steps_from_zeros(lstm, inputs, relative_error):
    cs, hs = [np.zeros((B, U))], [np.zeros((B, U))]
    for x in inputs:
        c, h = lstm_step(lstm, x, cs[-1], hs[-1])
        cs.append(c)
        hs.append(h)
    outputs, last = lstm.sequence(inputs, LENGTHS)
    assert relative_error(outputs, hs[1:]) < 1e-5
    assert relative_error(last.c, [cs[n][b] for b, n in enumerate(LENGTHS)]) < 1e-5
    assert relative_error(last.h, [hs[n][b] for b, n in enumerate(LENGTHS)]) < 1e-5


def test_a_gru_sequence_is_its_steps_from_zeros(gru, inputs, relative_error):
    hs = [np.zeros((B, U))]
    for x in inputs:
        hs.append(gru_step(gru, x, hs[-1]))
    outputs, last = gru.sequence(inputs, LENGTHS)
    real = (np.arange(S)[:, np.newaxis] < LENGTHS)[:, :, np.newaxis]
    assert relative_error(np.where(real, outputs, 0), np.where(real, hs[1:], 0)) < 1e-5
    assert relative_error(last.h, [hs[n][b] for b, n in enumerate(LENGTHS)]) < 1e-5


def unfused_lstm(kernel, bias, inputs, c, h):
    """The LSTM in plain TensorFlow operations: the lists of its c and h after each step."""
    cs, hs = [c], [h]
    for x in tf.unstack(inputs):
        i, g, f, o = tf.split(tf.concat([x, hs[-1]], 1) @ kernel + bias, 4, axis=1)
        cs.append(tf.sigmoid(f + FORGET_BIAS) * cs[-1] + tf.sigmoid(i) * tf.tanh(g))
        hs.append(tf.sigmoid(o) * tf.tanh(cs[-1]))
    return cs, hs


def test_the_gradients_of_an_lstm_sequence_are_those_of_its_equations(lstm, inputs, rng, relative_error):
    weights = [rng.normal(size=shape) for shape in ((S, B, U), (B, U), (B, U))]
    fused_inputs = tf.constant(inputs)
    with tf.GradientTape() as tape:
        tape.watch(fused_inputs)
        outputs, last = lstm.sequence(fused_inputs, LENGTHS)
        loss = sum(tf.reduce_sum(w * x) for w, x in zip(weights, (outputs, last.c, last.h), strict=True))
    actual = tape.gradient(loss, [lstm.kernel, lstm.bias, fused_inputs])

    plain = [tf.constant(x, tf.float64) for x in (lstm.kernel.numpy(), lstm.bias.numpy(), inputs)]
    with tf.GradientTape() as tape:
        tape.watch(plain)
        zeros = tf.zeros((B, U), tf.float64)
        cs, hs = unfused_lstm(*plain, zeros, zeros)
        last_c, last_h = (tf.stack([x[n][b] for b, n in enumerate(LENGTHS)]) for x in (cs, hs))
        loss = sum(tf.reduce_sum(w * x) for w, x in zip(weights, (tf.stack(hs[1:]), last_c, last_h), strict=True))
    expected = tape.gradient(loss, plain)

    for gradient, wanted in zip(actual, expected, strict=True):
        assert relative_error(gradient, wanted) < 1e-5


def test_the_gradients_through_lstm_steps_reach_the_state_before_them(lstm, inputs, state, rng, relative_error):
    weights = rng.normal(size=(2, B, U))
    start = [tf.constant(x) for x in state]
    with tf.GradientTape() as tape:
        tape.watch(start)
        now = LSTMState(*start)
        for x in inputs[:2]:
            _, now = lstm.step(x, now)
        loss = tf.reduce_sum(weights[0] * now.c) + tf.reduce_sum(weights[1] * now.h)
    actual = tape.gradient(loss, [*start, lstm.kernel])

    plain = [tf.constant(x, tf.float64) for x in (*state, lstm.kernel.numpy())]
    with tf.GradientTape() as tape:
        tape.watch(plain)
        c, h, kernel = plain
        bias = tf.constant(lstm.bias.numpy(), tf.float64)
        cs, hs = unfused_lstm(kernel, bias, tf.constant(inputs[:2], tf.float64), c, h)
        loss = tf.reduce_sum(weights[0] * cs[-1]) + tf.reduce_sum(weights[1] * hs[-1])
    expected = tape.gradient(loss, plain)

    for gradient, wanted in zip(actual, expected, strict=True):
        assert relative_error(gradient, wanted) < 1e-5


def test_the_gradient_of_a_gru_sequence_is_its_finite_difference(gru, inputs, rng):
    weights = rng.normal(size=(S, B, U))

    def loss_at(kernel):
        original = gru.gates_kernel.numpy()
        gru.gates_kernel.assign(kernel)
        h, total = np.zeros((B, U)), 0.0
        for t, x in enumerate(inputs):
            h = gru_step(gru, x, h)
            total += (weights[t] * h).sum()
        gru.gates_kernel.assign(original)
        return total

    with tf.GradientTape() as tape:
        outputs, _ = gru.sequence(inputs, np.full(B, S, np.int32))
        loss = tf.reduce_sum(weights * outputs)
    gradient = tape.gradient(loss, gru.gates_kernel).numpy()
    kernel = gru.gates_kernel.numpy()
    for at in ((0, 0), (3, 2), (X + U - 1, 2 * U - 1)):
        nudge = np.zeros_like(kernel)
        nudge[at] = 1 / 256
        slope = (loss_at(kernel + nudge) - loss_at(kernel - nudge)) * 128
        assert gradient[at] == pytest.approx(slope, rel=1e-3, abs=1e-4)


def test_a_rows_last_value_is_at_its_length_and_zero_without_tokens(rng):
    sequence = rng.normal(size=(S, B, U)).astype(np.float32)
    last = at_last(tf.constant(sequence), tf.constant(LENGTHS)).numpy()
    assert (last == [sequence[4, 0], sequence[1, 1], np.zeros(U)]).all()


@pytest.mark.parametrize("unit_type", ["lstm", "gru"])
def test_a_sequence_is_what_its_steps_say_inside_a_graph_too(unit_type, init, inputs, relative_error):
    cell = make_cell(unit_type, X, U, FORGET_BIAS, init, "cell")
    outputs, _ = tf.function(cell.sequence)(tf.constant(inputs), tf.fill((B,), S))
    state = cell.zero_state(B)
    stepped = []
    for x in inputs:
        output, state = cell.step(x, state)
        stepped.append(output.numpy())
    assert relative_error(outputs, stepped) < 1e-5


def test_young_grus_keep_their_state_and_young_lstms_add_the_forget_bias_alone(init):
    assert (make_cell("gru", X, U, 1.0, init, "cell").gates_bias.numpy() == 1).all()
    assert (make_cell("lstm", X, U, 1.0, init, "cell").bias.numpy() == 0).all()
