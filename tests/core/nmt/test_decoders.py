"""The decoder: input feeding, where it starts, residuals, and teacher forcing as a row of steps."""

import numpy as np
import pytest
import tensorflow as tf

from core.nmt.attention import attend
from core.nmt.decoders import DecoderState, make_decoder
from core.nmt.encoders import Dropout, Encoded
from core.nmt.hparams import HParams
from core.nmt.recurrence import LSTMState

B, S, T, M, U = 3, 5, 2, 6, 4
LENGTHS = np.array([5, 2, 1], np.int32)


def decoder_of(init, layers=2, **flags):
    return make_decoder(HParams(num_units=U, num_layers=layers, **flags), M, init)


@pytest.fixture
def encoded(rng):
    def normal(*shape):
        return tf.constant(rng.normal(size=shape), tf.float32)

    return Encoded(normal(B, S, M), tuple(LSTMState(normal(B, U), normal(B, U)) for _ in range(2)))


@pytest.fixture
def embedded(rng):
    return rng.normal(size=(T, B, U)).astype(np.float32)


def test_it_starts_from_the_encoders_state_and_with_no_attention_vector(init, encoded):
    state, memory = decoder_of(init, attention="luong").start(encoded, LENGTHS)
    assert state.cells is encoded.state
    assert (state.attention_vector.numpy() == np.zeros((B, U))).all()
    assert memory.values.shape == (B, S, M)
    assert memory.keys.shape == (B, S, U)


def test_it_starts_from_zeros_when_told_and_it_can_look_back(init, encoded):
    state, _ = decoder_of(init, attention="luong", pass_hidden_state=False).start(encoded, LENGTHS)
    assert all((leaf.numpy() == 0).all() for leaf in tf.nest.flatten(state))
    state, _ = decoder_of(init, pass_hidden_state=False).start(encoded, LENGTHS)
    assert state.cells is encoded.state


def test_a_step_feeds_the_attention_vector_into_the_bottom_cell(init, encoded, embedded, rng):
    decoder = decoder_of(init, attention="scaled_luong")
    start, memory = decoder.start(encoded, LENGTHS)
    fed = rng.normal(size=(B, U)).astype(np.float32)
    output, state, alignments = decoder.step(embedded[0], DecoderState(start.cells, fed), memory)

    bottom, bottom_state = decoder.cells[0].step(np.concatenate([embedded[0], fed], 1), start.cells[0])
    query, query_state = decoder.cells[1].step(bottom, start.cells[1])
    context, expected_alignments = attend(decoder.mechanism, query, memory)
    vector = np.concatenate([query, context], 1) @ decoder.attention_kernel.numpy()
    assert output.numpy() == pytest.approx(vector, abs=1e-6)
    assert state.attention_vector.numpy() == pytest.approx(vector, abs=1e-6)
    assert alignments.numpy() == pytest.approx(expected_alignments.numpy(), abs=1e-6)
    assert (state.cells[0].c.numpy() == bottom_state.c.numpy()).all()
    assert (state.cells[1].h.numpy() == query_state.h.numpy()).all()


def test_it_may_predict_from_the_cell_and_still_feed_the_attention_vector(init, encoded, embedded):
    decoder = decoder_of(init, attention="bahdanau", output_attention=False)
    output, state, _ = decoder.step(embedded[0], *decoder.start(encoded, LENGTHS))
    assert (output.numpy() == state.cells[-1].h.numpy()).all()
    assert (state.attention_vector.numpy() != output.numpy()).any()


def test_without_attention_the_output_is_the_top_cells(init, encoded, embedded):
    decoder = decoder_of(init)
    output, state, alignments = decoder.step(embedded[0], *decoder.start(encoded, LENGTHS))
    assert (output.numpy() == state.cells[-1].h.numpy()).all()
    assert alignments.shape == (B, 0)
    assert state.attention_vector.shape == (B, 0)


def test_residuals_add_the_input_in_every_layer_but_the_first(init, encoded, embedded):
    decoder = decoder_of(init, residual=True)
    output, state, _ = decoder.step(embedded[0], *decoder.start(encoded, LENGTHS))
    expected = state.cells[0].h + state.cells[1].h
    assert output.numpy() == pytest.approx(expected.numpy(), abs=1e-6)


@pytest.mark.parametrize("unit_type", ["lstm", "gru"])
@pytest.mark.parametrize("attention", ["", "luong", "normed_bahdanau"])
def test_teacher_forcing_is_one_step_after_another(init, encoded, embedded, attention, unit_type):
    decoder = decoder_of(init, attention=attention, unit_type=unit_type, residual=True)
    cells = tuple(cell.zero_state(B) for cell in decoder.cells)
    state, memory = decoder.start(Encoded(encoded.outputs, cells), LENGTHS)
    outputs = decoder.sequence(embedded, state, memory, None)
    assert outputs.shape == (T, B, U)
    for t in range(T):
        output, state, _ = decoder.step(embedded[t], state, memory)
        assert outputs[t].numpy() == pytest.approx(output.numpy(), abs=1e-6)


def test_dropout_depends_on_the_seed_alone(init, encoded, embedded):
    decoder = decoder_of(init, attention="luong")
    start = decoder.start(encoded, LENGTHS)

    def outputs(seed):
        return decoder.sequence(embedded, *start, Dropout(0.5, tf.constant(seed))).numpy()

    assert (outputs([0, 1]) == outputs([0, 1])).all()
    assert (outputs([0, 1]) != outputs([0, 2])).any()
    assert (outputs([0, 1]) != decoder.sequence(embedded, *start, None).numpy()).any()
