"""Encoders: against NumPy in float64, and padding, direction, layers, residuals and dropout."""

import numpy as np
import pytest
import tensorflow as tf

from core.nmt.encoders import BiEncoder, Dropout, GNMTEncoder, LayerStack, UniEncoder, make_encoder
from core.nmt.hparams import HParams
from core.nmt.recurrence import GRUState, LSTMState
from tests.core.nmt import numpy_reference as reference

B, S, U = 3, 5, 4
LENGTHS = np.array([5, 2, 3], np.int32)
ENCODERS = ("uni", "bi", "gnmt")
KINDS = [(encoder_type, unit_type) for encoder_type in ENCODERS for unit_type in reference.CELLS]


def encoder_of(init, encoder_type="uni", unit_type="lstm", layers=2, **flags):
    return make_encoder(
        HParams(encoder_type=encoder_type, unit_type=unit_type, num_units=U, num_layers=layers, **flags), init
    )


def leaves(state):
    return [tensor.numpy() for tensor in tf.nest.flatten(state)]


@pytest.fixture
def embedded(rng):
    return rng.normal(size=(S, B, U)).astype(np.float32)


def expected_stack(stack, unit_type, inputs, forget_bias, first_residual):
    """`inputs` (S, I) of one row through every layer: outputs (S, U), and each layer's state."""
    states = []
    for i, cell in enumerate(stack.cells):
        start, weights = reference.zeros(unit_type, U), reference.weights_of(cell)
        outputs, state = reference.read(reference.CELLS[unit_type], weights, inputs, start, forget_bias)
        inputs = outputs + inputs if i >= first_residual else outputs
        states.append(state)
    return inputs, states


def expected_row(encoder, unit_type, inputs, forget_bias):
    """One row without its padding: outputs (S, M), and the states that the decoder starts from."""
    settings = {"unit_type": unit_type, "forget_bias": forget_bias, "first_residual": 1}
    if isinstance(encoder, UniEncoder):
        return expected_stack(encoder.layers, inputs=inputs, **settings)
    ahead, states = expected_stack(encoder.forward, inputs=inputs, **settings)
    back, back_states = expected_stack(encoder.backward, inputs=inputs[::-1], **settings)
    both = np.concatenate([ahead, back[::-1]], 1)
    if isinstance(encoder, BiEncoder):
        return both, [state for pair in zip(states, back_states, strict=True) for state in pair]
    outputs, upper = expected_stack(encoder.upper, inputs=both, **settings)
    return outputs, [*back_states, *upper]


@pytest.mark.parametrize(("encoder_type", "unit_type"), KINDS)
def test_outputs_and_states_are_those_of_the_equations(init, embedded, encoder_type, unit_type, relative_error):
    encoder = encoder_of(init, encoder_type, unit_type, layers=4, residual=True, forget_bias=0.7)
    outputs, state = encoder(embedded, LENGTHS, None)
    for b, length in enumerate(LENGTHS):
        wanted, states = expected_row(encoder, unit_type, embedded[:length, b].astype(np.float64), 0.7)
        assert relative_error(outputs[b, :length], wanted) < 1e-5
        for actual, leaf in zip(leaves(state), tf.nest.flatten(states), strict=True):
            assert relative_error(actual[b], leaf) < 1e-5


@pytest.mark.parametrize("encoder_type", ENCODERS)
def test_shapes_follow_from_batch_length_and_units(init, embedded, encoder_type):
    for unit_type, kind in (("lstm", LSTMState), ("gru", GRUState)):
        encoder = encoder_of(init, encoder_type, unit_type, layers=4)
        outputs, state = encoder(embedded, LENGTHS, None)
        assert outputs.shape == (B, S, encoder.output_size)
        assert encoder.output_size == (2 * U if encoder_type == "bi" else U)
        assert len(state) == 4
        assert all(isinstance(layer, kind) for layer in state)
        assert all(leaf.shape == (B, U) for leaf in leaves(state))


@pytest.mark.parametrize("unit_type", ["lstm", "nas"])  # one that runs as a whole, and one in a loop
@pytest.mark.parametrize("encoder_type", ENCODERS)
def test_padding_never_changes_a_result(init, embedded, encoder_type, unit_type):
    encoder = encoder_of(init, encoder_type, unit_type)
    padding = (np.arange(S)[:, np.newaxis] >= LENGTHS)[:, :, np.newaxis]
    outputs, state = encoder(embedded, LENGTHS, None)
    wider = np.concatenate([np.where(padding, np.float32(9), embedded), np.ones((3, B, U), np.float32)])
    outputs_changed, state_changed = encoder(wider, LENGTHS, None)
    for b, length in enumerate(LENGTHS):
        assert outputs_changed[b, :length].numpy() == pytest.approx(outputs[b, :length].numpy(), abs=1e-6)
    for mine, theirs in zip(leaves(state_changed), leaves(state), strict=True):
        assert mine == pytest.approx(theirs, abs=1e-6)


def test_a_bidirectional_encoder_reads_backward_from_the_last_real_token(init, embedded):
    encoder = encoder_of(init, "bi")
    outputs, _ = encoder(embedded, LENGTHS, None)
    for b, length in enumerate(LENGTHS):
        reversed_row = embedded[:length, b : b + 1][::-1]
        expected, _ = encoder.backward.cells[0].sequence(reversed_row, LENGTHS[b : b + 1])
        assert outputs[b, :length, U:].numpy() == pytest.approx(expected.numpy()[::-1, 0], abs=1e-6)


def test_the_decoders_layers_start_from_both_directions_in_turn(init, embedded):
    encoder = encoder_of(init, "bi", layers=4)
    _, state = encoder(embedded, LENGTHS, None)
    ahead, (f0, f1) = encoder.forward(embedded, LENGTHS, None, salt=0)
    backward_input = tf.reverse_sequence(embedded, LENGTHS, seq_axis=0, batch_axis=1)
    _, (b0, b1) = encoder.backward(backward_input, LENGTHS, None, salt=0)
    for actual, expected in zip(leaves(state), leaves((f0, b0, f1, b1)), strict=True):
        assert (actual == expected).all()
    assert ahead.shape == (S, B, U)


class Constant:
    """A cell that puts out one number, whatever it reads, and remembers what it read."""

    def __init__(self, number):
        self.number = number

    def sequence(self, inputs, lengths):
        self.read = inputs
        return tf.fill((S, B, U), float(self.number)), GRUState(tf.fill((B, U), float(self.number)))


def constant_stack(*numbers, hparams, init):
    stack = LayerStack(hparams, len(numbers), U, init, "stack")
    stack.cells = [Constant(number) for number in numbers]
    return stack


def test_a_residual_connection_adds_what_a_layer_read_in_every_layer_but_the_first(init, embedded):
    hparams = HParams(num_units=U, num_layers=4, residual=True)
    encoder = make_encoder(hparams, init)
    encoder.layers = constant_stack(1, 10, 100, 1000, hparams=hparams, init=init)
    assert (encoder(embedded, LENGTHS, None).outputs.numpy() == 1111).all()
    plain = HParams(num_units=U, num_layers=4)
    encoder.layers = constant_stack(1, 10, 100, 1000, hparams=plain, init=init)
    assert (encoder(embedded, LENGTHS, None).outputs.numpy() == 1000).all()


def test_gnmts_residuals_begin_at_the_second_layer_above_the_one_that_reads_both_ways(init, embedded):
    hparams = HParams(num_units=U, num_layers=4, residual=True, encoder_type="gnmt")
    encoder = make_encoder(hparams, init)
    encoder.forward = constant_stack(1, hparams=hparams, init=init)
    encoder.backward = constant_stack(2, hparams=hparams, init=init)
    encoder.upper = constant_stack(10, 100, 1000, hparams=hparams, init=init)
    outputs, state = encoder(embedded, LENGTHS, None)
    assert (outputs.numpy() == 1110).all()
    bottom = encoder.upper.cells[0].read.numpy()
    assert bottom.shape == (S, B, 2 * U)
    assert (bottom[:, :, :U] == 1).all()
    assert (bottom[0, :, U:] == 2).all()
    # The decoder starts from the backward state and from the layers above; the forward one goes nowhere.
    assert [leaf[0, 0] for leaf in leaves(state)] == [2, 10, 100, 1000]


def test_a_bidirectional_encoders_residuals_leave_out_the_first_layer_of_each_direction(init, embedded):
    hparams = HParams(num_units=U, num_layers=6, residual=True, encoder_type="bi")
    encoder = make_encoder(hparams, init)
    encoder.forward = constant_stack(1, 10, 100, hparams=hparams, init=init)
    encoder.backward = constant_stack(2, 20, 200, hparams=hparams, init=init)
    outputs, state = encoder(embedded, LENGTHS, None)
    assert (outputs.numpy()[:, 0] == [111] * U + [222] * U).all()
    assert [leaf[0, 0] for leaf in leaves(state)] == [1, 2, 10, 20, 100, 200]


@pytest.mark.parametrize("encoder_type", ENCODERS)
def test_dropout_depends_on_the_seed_alone(init, embedded, encoder_type):
    encoder = encoder_of(init, encoder_type)

    def outputs(seed):
        return encoder(embedded, LENGTHS, Dropout(0.5, tf.constant(seed))).outputs.numpy()

    assert (outputs([1, 2]) == outputs([1, 2])).all()
    assert (outputs([1, 2]) != outputs([1, 3])).any()
    assert (outputs([1, 2]) != encoder(embedded, LENGTHS, None).outputs.numpy()).any()


def test_what_a_residual_connection_adds_is_not_dropped(init, embedded):
    hparams = HParams(num_units=U, num_layers=2, residual=True)
    encoder = make_encoder(hparams, init)
    encoder.layers = constant_stack(1, 10, hparams=hparams, init=init)
    outputs = encoder(embedded, LENGTHS, Dropout(0.5, tf.constant([1, 2]))).outputs.numpy()
    assert (outputs == 11).all()
    assert set(np.unique(encoder.layers.cells[1].read)) == {0, 2}


def test_dropout_zeroes_its_share_and_scales_up_the_rest():
    dropped = Dropout(0.25, tf.constant([1, 2]))(tf.ones((200, 100)), salt=3).numpy()
    assert set(np.unique(dropped)) == {0, np.float32(1 / 0.75)}
    assert (dropped == 0).mean() == pytest.approx(0.25, abs=0.01)


def test_places_with_another_salt_drop_another_mask():
    dropout, ones = Dropout(0.5, tf.constant([1, 2])), tf.ones((20, 20))
    assert (dropout(ones, 0).numpy() != dropout(ones, 1).numpy()).any()


def test_a_dropout_of_nothing_changes_nothing():
    ones = tf.ones((2, 2))
    assert Dropout(0.0, tf.constant([1, 2]))(ones, 0) is ones


def test_the_flag_names_the_encoder(init):
    kinds = {"uni": UniEncoder, "bi": BiEncoder, "gnmt": GNMTEncoder}
    for encoder_type, kind in kinds.items():
        assert isinstance(encoder_of(init, encoder_type), kind)
