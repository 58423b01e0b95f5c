"""The searched cell by hand, with one unit."""

import numpy as np
import pytest
import tensorflow as tf

from core.nmt.nas_cell import NASCell
from core.nmt.recurrence import LSTMState

HALF_LOG_3 = np.log(3) / 2  # tanh of it is 1/2; σ of twice it is 3/4


@pytest.fixture
def cell():
    """With x = 1 and h = 1 the sums before the eight activations are those that the comment names."""
    cell = NASCell(1, 1, tf.zeros, "cell")
    # x_k + h_k: 0, ln 3, 0, (x_3 · h_3 = 0.5), ½ ln 3, 0, 0, 0
    cell.kernel.assign([[1, 1, -2, 0.25, HALF_LOG_3 + 1, 3, 1, -1]])
    cell.recurrent_kernel.assign([[-1, 2 * HALF_LOG_3 - 1, 2, 2, -1, -3, -1, 1]])
    return cell


def step(cell, c, h):
    output, state = cell.step(np.ones((1, 1), np.float32), LSTMState(*np.array([[[c]], [[h]]], np.float32)))
    assert (output.numpy() == state.h.numpy()).all()
    return state.c.numpy()[0, 0], state.h.numpy()[0, 0]


def test_the_eight_gates_come_together_as_the_search_found(cell):
    c, h = step(cell, HALF_LOG_3 - 0.5, 1)
    # a_0 = 1/2, a_1 = ln 3: tanh(½ ln 3) = 1/2 is written into c; a_2 = 1/2, a_3 = 1/2: scaled by tanh(1)
    written = np.tanh(HALF_LOG_3) * np.tanh(1)
    # a_4 = 1/2, a_5 = 1/2: tanh(1/4); a_6 = 0, a_7 = 1/2: σ(1/2)
    assert written == pytest.approx(0.5 * 0.7615941560)
    assert c == pytest.approx(written)
    assert h == pytest.approx(np.tanh(written * np.tanh(0.2449186624 + 0.6224593312)))


def test_the_fourth_gate_multiplies_and_cuts_off_below_zero(cell):
    # From h = -1 the product x_3 · h_3 is -0.5, so a_3 is 0; so is a_1 = relu(x_1 + h_1) once x_1 is small enough,
    # and what is left of c' is tanh(c) · tanh(a_2), where a_2 = σ(-2 - 2).
    cell.kernel.assign([[1, -5, -2, 0.25, 0, 0, 0, 0]])
    c, _ = step(cell, HALF_LOG_3, -1)
    assert c == pytest.approx(0.5 * np.tanh(1 / (1 + np.exp(4))))


def test_its_weights_are_two_matrices_side_by_side_without_a_bias(cell):
    assert {variable.shape.as_list()[0] for variable in cell.trainable_variables} == {1}
    assert len(cell.trainable_variables) == 2
    assert all(variable.shape[1] == 8 for variable in cell.trainable_variables)
