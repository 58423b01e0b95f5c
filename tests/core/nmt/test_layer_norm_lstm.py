"""The layer-normalised LSTM by hand: a norm of two units makes the larger one 1 and the smaller one -1."""

import numpy as np
import pytest
import tensorflow as tf

from core.nmt.layer_norm_lstm import LayerNormLSTMCell, layer_norm
from core.nmt.recurrence import LSTMState

ONE, MINUS_ONE = 0.7310585786, 0.2689414214  # σ(1), σ(-1)
TANH = 0.7615941560  # tanh(1)


@pytest.fixture
def cell():
    """From x = 1: i, g and o are larger in the first unit, f in the second."""
    cell = LayerNormLSTMCell(1, 2, 1.0, tf.zeros, "cell")
    cell.kernel.assign([[0.3, 0.1, 0.02, 0.01, -4.0, 7.0, 9.0, 8.0]] + [[0.0] * 8] * 2)
    return cell


def step(cell, c):
    output, state = cell.step(np.ones((1, 1), np.float32), LSTMState(np.array([c], np.float32), tf.zeros((1, 2))))
    assert (output.numpy() == state.h.numpy()).all()
    return state.c.numpy()[0], state.h.numpy()[0]


def test_the_memory_cell_is_carried_on_as_it_was_normalised(cell):
    # Before its norm it is (σ(-1+1) · 0.5 + σ(1) tanh(1), σ(1+1) · -0.25 + σ(-1) tanh(-1)) = (0.807, -0.425).
    c, h = step(cell, (0.5, -0.25))
    assert c == pytest.approx((1, -1), abs=1e-5)
    assert h == pytest.approx((ONE * TANH, -MINUS_ONE * TANH), abs=1e-5)


def test_the_states_norm_scales_and_shifts_what_is_carried_on(cell):
    cell.state_gamma.assign((2, 3))
    cell.state_beta.assign((0.5, -0.5))
    c, h = step(cell, (0.5, -0.25))
    assert c == pytest.approx((2.5, -3.5), abs=1e-5)
    assert h == pytest.approx((ONE * 0.9866142982, MINUS_ONE * -0.9981778976), abs=1e-5)


def test_the_forget_bias_is_added_after_the_norm(cell):
    # (σ(0) · 2 + 0.557, σ(2) · 1.9 - 0.205) = (1.557, 1.469); added before the norm, which takes out what is added to
    # all units, it would be (σ(-1) · 2 + 0.557, σ(1) · 1.9 - 0.205) = (1.095, 1.184), the other way round.
    c, _ = step(cell, (2.0, 1.9))
    assert c == pytest.approx((1, -1), abs=1e-4)


def test_each_gate_has_its_own_scale_and_shift(cell):
    log3 = np.log(3)
    cell.gamma.assign(((0, 0), (log3 / 2, 0), (0, 0), (0, log3)))
    cell.beta.assign(((log3, 0), (0, 0), (-1, 0), (0, -log3)))
    # i = (σ(ln 3), σ(0)), g = (tanh(½ ln 3), 0), f = (σ(-1+1), σ(0+1)), o = (σ(0), σ(-2 ln 3)): so before the state's
    # norm c is (3/4 · 1/2 + 1/2 · 1, σ(1) · 1) = (0.875, 0.731).
    c, h = step(cell, (1.0, 1.0))
    assert c == pytest.approx((1, -1), abs=1e-4)
    assert h == pytest.approx((0.5 * TANH, -0.1 * TANH), abs=1e-4)
    # And (3/4 · 1/2 + 1/2 · -1, σ(1) · 0) = (-0.125, 0) turns it round.
    assert step(cell, (-1.0, 0.0))[0] == pytest.approx((-1, 1), abs=1e-4)


def test_a_norm_takes_out_mean_and_variance():
    normed = layer_norm(np.array([[1.0, 2, 3, 6]], np.float32), np.float32(2), np.float32(1)).numpy()
    assert normed[0] == pytest.approx(1 + 2 * np.array([-2, -1, 0, 3]) / np.sqrt(3.5))


def test_a_norm_of_what_does_not_vary_is_the_shift():
    assert (layer_norm(np.ones((1, 3), np.float32), np.float32(2), np.float32(1)).numpy() == 1).all()
