"""Every cell, against NumPy in float64 and, for gradients, against its finite differences."""

import numpy as np
import pytest
import tensorflow as tf

from core.nmt.cells import at_last, make_cell
from core.nmt.recurrence import GRUState, LSTMState
from tests.core.nmt import numpy_reference as reference

B, S, X, U = 3, 5, 4, 6
FORGET_BIAS = 0.7
LENGTHS = np.array([5, 2, 0], np.int32)
UNITS = ("lstm", "gru", "layer_norm_lstm", "nas")


@pytest.fixture(params=UNITS)
def unit_type(request):
    return request.param


@pytest.fixture
def cell(unit_type, init, rng):
    """A cell with every weight away from where it begins."""
    cell = make_cell(unit_type, X, U, FORGET_BIAS, init, "cell")
    for variable in cell.trainable_variables:
        variable.assign_add(rng.normal(0, 0.3, variable.shape))
    return cell


@pytest.fixture
def inputs(rng):
    return rng.normal(size=(S, B, X)).astype(np.float32)


@pytest.fixture
def state(unit_type, rng):
    leaves = rng.normal(size=(2, B, U)).astype(np.float32)
    return GRUState(leaves[0]) if unit_type == "gru" else LSTMState(*leaves)


def row(state, b):
    return tuple(np.asarray(leaf[b], np.float64) for leaf in state)


def expected_step(unit_type, weights, inputs, state):
    """The next state of every row: a tuple of (B, U)."""
    step = reference.CELLS[unit_type]
    rows = [step(weights, inputs[b], row(state, b), FORGET_BIAS) for b in range(B)]
    return tuple(np.array(leaf) for leaf in zip(*rows, strict=True))


def expected_sequence(unit_type, weights, inputs, lengths):
    """For each row its outputs (length, U), and its state after the last."""
    step, start = reference.CELLS[unit_type], reference.zeros(unit_type, U)
    return [reference.read(step, weights, inputs[:n, b], start, FORGET_BIAS) for b, n in enumerate(lengths)]


def test_a_step_is_the_papers(unit_type, cell, inputs, state, relative_error):
    expected = expected_step(unit_type, reference.weights_of(cell), inputs[0], state)
    output, after = cell.step(inputs[0], state)
    assert relative_error(output, expected[-1]) < 1e-5
    for actual, wanted in zip(after, expected, strict=True):
        assert relative_error(actual, wanted) < 1e-5


def test_a_sequence_is_its_steps_from_zeros_up_to_the_last_token(unit_type, cell, inputs, relative_error):
    outputs, last = cell.sequence(inputs, LENGTHS)
    assert outputs.shape == (S, B, U)
    rows = expected_sequence(unit_type, reference.weights_of(cell), inputs, LENGTHS)
    for b, (wanted, after) in enumerate(rows):
        for actual, leaf in zip(row(last, b), after, strict=True):
            assert actual == pytest.approx(leaf, abs=1e-6)
        if len(wanted):
            assert relative_error(outputs[: len(wanted), b], wanted) < 1e-5


@pytest.mark.parametrize("unit_type", ["lstm", "gru"], indirect=True)  # the others share the GRU's loop
def test_a_sequence_is_what_its_steps_say_inside_a_graph_too(cell, inputs, relative_error):
    outputs, _ = tf.function(cell.sequence, autograph=False)(tf.constant(inputs), tf.constant(LENGTHS))
    state = cell.zero_state(B)
    for t in range(2):
        output, state = cell.step(inputs[t], state)
        assert relative_error(outputs[t][:2], output[:2]) < 1e-5


def test_padding_never_changes_a_result(cell, inputs):
    padding = (np.arange(S)[:, np.newaxis] >= LENGTHS)[:, :, np.newaxis]
    outputs, last = cell.sequence(inputs, LENGTHS)
    changed, last_changed = cell.sequence(np.where(padding, np.float32(100), inputs), LENGTHS)
    assert (np.where(padding, 0, outputs) == np.where(padding, 0, changed)).all()
    for mine, theirs in zip(last, last_changed, strict=True):
        assert (mine.numpy() == theirs.numpy()).all()
        assert (mine.numpy()[2] == 0).all()


def assert_slopes(arrays, gradients, loss, rng, relative_error, entries=8):
    """Some entries of each gradient against the finite differences of a float64 loss."""
    for array, gradient in zip(arrays, gradients, strict=True):
        flat = rng.permutation(array.size)[:entries]
        chosen = [tuple(int(i) for i in np.unravel_index(k, array.shape)) for k in flat]
        dense = tf.convert_to_tensor(gradient).numpy()
        assert relative_error([dense[at] for at in chosen], reference.slopes(loss, array, chosen)) < 1e-5


def test_the_gradients_of_a_sequence_are_its_finite_differences(unit_type, cell, inputs, rng, relative_error):
    weights, exact = reference.weights_of(cell), inputs.astype(np.float64)
    of_outputs, of_state = rng.normal(size=(S, B, U)), rng.normal(size=(2, B, U))
    real = (np.arange(S)[:, np.newaxis] < LENGTHS)[:, :, np.newaxis]

    def loss():
        total = 0.0
        for b, (outputs, after) in enumerate(expected_sequence(unit_type, weights, exact, LENGTHS)):
            total += (of_outputs[: len(outputs), b] * outputs).sum()
            total += sum((of_state[k, b] * leaf).sum() for k, leaf in enumerate(after))
        return total

    variables, watched = [vars(cell)[name] for name in weights], tf.constant(inputs)
    with tf.GradientTape() as tape:
        tape.watch(watched)
        outputs, last = cell.sequence(watched, LENGTHS)
        total = tf.reduce_sum(tf.where(real, outputs, 0) * of_outputs)
        total += sum(tf.reduce_sum(leaf * of_state[k]) for k, leaf in enumerate(last))
    gradients = tape.gradient(total, [*variables, watched])
    assert float(total) == pytest.approx(loss(), rel=1e-5)
    assert_slopes([*weights.values(), exact], gradients, loss, rng, relative_error)


def test_the_gradients_through_steps_reach_the_state_before_them(unit_type, cell, inputs, state, rng, relative_error):
    weights, exact = reference.weights_of(cell), [np.asarray(leaf, np.float64) for leaf in state]
    of_state = rng.normal(size=(2, B, U))

    def loss():
        after = exact
        for x in inputs[:2]:
            after = expected_step(unit_type, weights, x, after)
        return sum((of_state[k] * leaf).sum() for k, leaf in enumerate(after))

    variables, start = [vars(cell)[name] for name in weights], [tf.constant(leaf) for leaf in state]
    with tf.GradientTape() as tape:
        tape.watch(start)
        after = type(state)(*start)
        for x in inputs[:2]:
            _, after = cell.step(x, after)
        total = sum(tf.reduce_sum(leaf * of_state[k]) for k, leaf in enumerate(after))
    gradients = tape.gradient(total, [*variables, *start])
    assert_slopes([*weights.values(), *exact], gradients, loss, rng, relative_error)


def test_a_rows_last_value_is_at_its_length_and_zero_without_tokens(rng):
    sequence = rng.normal(size=(S, B, U)).astype(np.float32)
    last = at_last(tf.constant(sequence), tf.constant(LENGTHS)).numpy()
    assert (last == [sequence[4, 0], sequence[1, 1], np.zeros(U)]).all()


def test_young_grus_keep_their_state_and_young_lstms_add_the_forget_bias_alone(init):
    assert (make_cell("gru", X, U, 1.0, init, "cell").gates_bias.numpy() == 1).all()
    assert (make_cell("lstm", X, U, 1.0, init, "cell").bias.numpy() == 0).all()


def test_young_layer_norms_neither_scale_nor_shift(init):
    cell = make_cell("layer_norm_lstm", X, U, 1.0, init, "cell")
    assert all((gamma.numpy() == 1).all() for gamma in (cell.gamma, cell.state_gamma))
    assert all((beta.numpy() == 0).all() for beta in (cell.beta, cell.state_beta))


def test_an_lstm_by_hand():
    """One unit; x = 1 and h = 0 leave the kernel's first row: i, g, f, o = ln 3, ½ ln 3, 0, ln 9; c = 0.4."""
    log3 = np.log(3)
    cell = make_cell("lstm", 1, 1, log3, tf.zeros, "cell")
    cell.kernel.assign([[log3, log3 / 2, 0, 2 * log3], [5, 5, 5, 5]])
    output, after = cell.step(
        np.ones((1, 1), np.float32), LSTMState(np.full((1, 1), 0.4, np.float32), np.zeros((1, 1)))
    )
    # σ(ln 3) = 3/4, tanh(½ ln 3) = 1/2, σ(0 + forget bias ln 3) = 3/4, σ(ln 9) = 9/10
    assert after.c.numpy()[0, 0] == pytest.approx(0.75 * 0.4 + 0.75 * 0.5)
    assert output.numpy()[0, 0] == pytest.approx(0.9 * np.tanh(0.675))


def test_a_gru_by_hand():
    """One unit; x = 1, h = 0.8: r = σ(0) = 1/2, u = σ(-ln 3) = 1/4, g = tanh(½ ln 3 - 0.4 + ½ · 0.8) = 1/2."""
    log3 = np.log(3)
    cell = make_cell("gru", 1, 1, 0.0, tf.zeros, "cell")
    cell.gates_bias.assign([0, 0])
    cell.gates_kernel.assign([[-0.8, -log3 - 0.8], [1, 1]])
    cell.kernel.assign([[log3 / 2 - 0.4], [1]])
    output, _ = cell.step(np.ones((1, 1), np.float32), GRUState(np.full((1, 1), 0.8, np.float32)))
    assert output.numpy()[0, 0] == pytest.approx(0.25 * 0.8 + 0.75 * 0.5)
