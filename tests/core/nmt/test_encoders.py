"""Encoders: padding, direction, layers, residuals and dropout."""

import numpy as np
import pytest
import tensorflow as tf

from core.nmt.encoders import BiEncoder, Dropout, UniEncoder, make_encoder
from core.nmt.hparams import HParams
from core.nmt.recurrence import GRUState, LSTMState

B, S, U = 3, 5, 4
LENGTHS = np.array([5, 2, 3], np.int32)
KINDS = [(encoder_type, unit_type) for encoder_type in ("uni", "bi") for unit_type in ("lstm", "gru")]


def encoder_of(init, encoder_type="uni", unit_type="lstm", layers=2, **flags):
    return make_encoder(
        HParams(encoder_type=encoder_type, unit_type=unit_type, num_units=U, num_layers=layers, **flags), init
    )


def leaves(state):
    return [tensor.numpy() for tensor in tf.nest.flatten(state)]


@pytest.fixture
def embedded(rng):
    return rng.normal(size=(S, B, U)).astype(np.float32)


@pytest.mark.parametrize(("encoder_type", "unit_type"), KINDS)
def test_shapes_follow_from_batch_length_and_units(init, embedded, encoder_type, unit_type):
    encoder = encoder_of(init, encoder_type, unit_type, layers=4)
    outputs, state = encoder(embedded, LENGTHS, None)
    assert outputs.shape == (B, S, encoder.output_size)
    assert encoder.output_size == (2 * U if encoder_type == "bi" else U)
    assert len(state) == 4
    assert all(isinstance(layer, LSTMState if unit_type == "lstm" else GRUState) for layer in state)
    assert all(leaf.shape == (B, U) for leaf in leaves(state))


@pytest.mark.parametrize(("encoder_type", "unit_type"), KINDS)
def test_padding_never_changes_a_result(init, embedded, encoder_type, unit_type):
    encoder = encoder_of(init, encoder_type, unit_type, layers=4, residual=True)
    outputs, state = encoder(embedded, LENGTHS, None)
    for b, length in enumerate(LENGTHS):
        alone, state_alone = encoder(embedded[:length, b : b + 1], LENGTHS[b : b + 1], None)
        assert alone[0].numpy() == pytest.approx(outputs[b, :length].numpy(), abs=1e-6)
        for mine, theirs in zip(leaves(state_alone), leaves(state), strict=True):
            assert mine[0] == pytest.approx(theirs[b], abs=1e-6)


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


def test_residuals_add_the_input_in_every_layer_but_the_first(init, embedded):
    encoder = encoder_of(init, layers=3, residual=True)
    outputs, _ = encoder(embedded, LENGTHS, None)
    expected = tf.constant(embedded)
    for i, cell in enumerate(encoder.layers.cells):
        output, _ = cell.sequence(expected, LENGTHS)
        expected = output if i == 0 else output + expected
    assert outputs.numpy() == pytest.approx(np.swapaxes(expected.numpy(), 0, 1), abs=1e-6)


def test_without_the_flag_nothing_is_added(init, embedded):
    encoder = encoder_of(init, layers=2)
    outputs, _ = encoder(embedded, LENGTHS, None)
    first, _ = encoder.layers.cells[0].sequence(embedded, LENGTHS)
    second, _ = encoder.layers.cells[1].sequence(first, LENGTHS)
    assert outputs.numpy() == pytest.approx(np.swapaxes(second.numpy(), 0, 1), abs=1e-6)


@pytest.mark.parametrize("encoder_type", ["uni", "bi"])
def test_dropout_depends_on_the_seed_alone(init, embedded, encoder_type):
    encoder = encoder_of(init, encoder_type)

    def outputs(seed):
        return encoder(embedded, LENGTHS, Dropout(0.5, tf.constant(seed))).outputs.numpy()

    assert (outputs([1, 2]) == outputs([1, 2])).all()
    assert (outputs([1, 2]) != outputs([1, 3])).any()
    assert (outputs([1, 2]) != encoder(embedded, LENGTHS, None).outputs.numpy()).any()


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
    assert isinstance(encoder_of(init, "uni"), UniEncoder)
    assert isinstance(encoder_of(init, "bi"), BiEncoder)
