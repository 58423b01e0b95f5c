"""Decoders: against NumPy in float64 and finite differences, where they start, residuals, and teacher forcing."""

import numpy as np
import pytest
import tensorflow as tf

from core.nmt.attention import attend
from core.nmt.decoders import DecoderState, GNMTDecoder, StandardDecoder, make_decoder
from core.nmt.encoders import Dropout, Encoded
from core.nmt.hparams import HParams
from core.nmt.recurrence import GRUState, LSTMState
from tests.core.nmt import numpy_reference as reference

B, S, T, M, U = 3, 5, 2, 6, 4
LENGTHS = np.array([5, 2, 1], np.int32)
LAYERS = 3
PLACES = [
    {},
    {"attention": "scaled_luong"},
    {"attention": "bahdanau", "output_attention": False},
    {"attention": "luong", "attention_architecture": "gnmt"},
    {"attention": "normed_bahdanau", "attention_architecture": "gnmt_v2"},
]


def place_name(flags):
    return "-".join(str(value) for value in flags.values()) or "none"


def decoder_of(init, layers=LAYERS, **flags):
    return make_decoder(HParams(num_units=U, num_layers=layers, **flags), M, init)


@pytest.fixture
def embedded(rng):
    return rng.normal(size=(T, B, U)).astype(np.float32)


@pytest.fixture
def encode(rng):
    """What an encoder of some cell and number of layers might have given."""

    def normal(*shape):
        return tf.constant(rng.normal(size=shape), tf.float32)

    def make(unit_type="lstm", layers=LAYERS):
        if unit_type == "gru":
            return Encoded(normal(B, S, M), tuple(GRUState(normal(B, U)) for _ in range(layers)))
        return Encoded(normal(B, S, M), tuple(LSTMState(normal(B, U), normal(B, U)) for _ in range(layers)))

    return make


class Expected:
    """A decoder in NumPy: it knows the weights of an engine's one, and steps one row at a time."""

    def __init__(self, decoder, hparams):
        self.hparams, self.step_cell = hparams, reference.CELLS[hparams.unit_type]
        self.cells = [reference.weights_of(cell) for cell in decoder.cells]
        self.attention = reference.weights_of(decoder.mechanism) if decoder.mechanism else {}
        self.own = reference.weights_of(decoder)
        self.first_residual = 1 if hparams.residual else len(self.cells)

    def variables(self, decoder):
        """The engine's variables, in the order of `arrays`."""
        modules = [*decoder.cells, decoder.mechanism, decoder] if decoder.mechanism else [*decoder.cells, decoder]
        return [vars(module)[name] for module in modules for name in reference.weights_of(module)]

    def arrays(self):
        groups = [*self.cells, self.attention, self.own]
        return [array for group in groups for array in group.values()]

    def cell(self, i, inputs, states):
        state = self.step_cell(self.cells[i], inputs, states[i], self.hparams.forget_bias)
        return state[-1], state

    def attend(self, query, memory):
        return reference.attend(self.hparams.attention, self.attention, query, memory)

    def residual(self, i, output, below):
        return output + below if i >= self.first_residual else output

    def standard_step(self, x, states, fed, memory):
        below, after = np.concatenate([x, fed]), []
        for i in range(len(self.cells)):
            output, state = self.cell(i, below, states)
            below = self.residual(i, output, below)
            after.append(state)
        if not self.hparams.attention:
            return below, after, fed, np.zeros(0)
        context, alignments = self.attend(below, memory)
        vector = np.concatenate([below, context]) @ self.own["attention_kernel"]
        return vector if self.hparams.output_attention else below, after, vector, alignments

    def gnmt_step(self, x, states, fed, memory):
        """Wu et al. (2016): the bottom cell asks, all cells above see the answer, the last (gnmt) or this (gnmt_v2)."""
        below, state = self.cell(0, np.concatenate([x, fed]), states)
        after = [state]
        context, alignments = self.attend(below, memory)
        seen = context if self.hparams.attention_architecture == "gnmt_v2" else fed
        for i in range(1, len(self.cells)):
            output, state = self.cell(i, np.concatenate([below, seen]), states)
            below = self.residual(i, output, below)
            after.append(state)
        return below, after, context, alignments

    def sequence(self, inputs, states, memory, fed):
        """`inputs` (T, U) of one row: outputs (T, U), alignments (T, S)."""
        step = self.standard_step if self.hparams.attention_architecture == "standard" else self.gnmt_step
        outputs, looks = [], []
        for x in inputs:
            output, states, fed, alignments = step(x, states, fed, memory)
            outputs.append(output)
            looks.append(alignments)
        return np.array(outputs), np.array(looks)


@pytest.mark.parametrize("unit_type", ["lstm", "gru", "layer_norm_lstm", "nas"])
@pytest.mark.parametrize("flags", PLACES, ids=place_name)
def test_steps_and_teacher_forcing_are_those_of_the_equations(init, encode, embedded, flags, unit_type, relative_error):
    hparams = HParams(num_units=U, num_layers=LAYERS, unit_type=unit_type, residual=True, forget_bias=0.7, **flags)
    decoder, encoded = make_decoder(hparams, M, init), encode(unit_type)
    state, memory = decoder.start(encoded, LENGTHS)
    forced = decoder.sequence(embedded, state, memory, None)
    assert forced.shape == (T, B, U)
    stepped, looks = [], []
    for t in range(T):
        output, state, alignments = decoder.step(embedded[t], state, memory)
        stepped.append(output.numpy())
        looks.append(alignments.numpy())
    expected = Expected(decoder, hparams)
    for b, length in enumerate(LENGTHS):
        states = [tuple(leaf[b].numpy().astype(np.float64) for leaf in layer) for layer in encoded.state]
        values = encoded.outputs[b, :length].numpy().astype(np.float64)
        wanted, shares = expected.sequence(embedded[:, b].astype(np.float64), states, values, np.zeros(fed_size(flags)))
        assert relative_error(np.array(stepped)[:, b], wanted) < 1e-5
        assert relative_error(forced[:, b], wanted) < 1e-5
        assert np.array(looks)[:, b, :length] == pytest.approx(shares if flags else np.zeros((T, 0)), abs=1e-6)


def fed_size(flags):
    """Columns of what attention feeds into the next step."""
    if not flags:
        return 0
    return M if flags.get("attention_architecture", "standard") != "standard" else U


@pytest.mark.parametrize("flags", PLACES, ids=place_name)
def test_the_gradients_of_teacher_forcing_are_its_finite_differences(
    init, encode, embedded, rng, flags, relative_error
):
    hparams = HParams(num_units=U, num_layers=LAYERS, residual=True, **flags)
    decoder, encoded = make_decoder(hparams, M, init), encode()
    expected = Expected(decoder, hparams)
    exact = [encoded.outputs.numpy().astype(np.float64), embedded.astype(np.float64)]
    exact += [leaf.numpy().astype(np.float64) for leaf in tf.nest.flatten(encoded.state)]
    of_outputs = rng.normal(size=(T, B, U))

    def loss():
        total = 0.0
        for b, n in enumerate(LENGTHS):
            leaves = [leaf[b] for leaf in exact[2:]]
            states = list(zip(leaves[::2], leaves[1::2], strict=True))
            outputs, _ = expected.sequence(exact[1][:, b], states, exact[0][b, :n], np.zeros(fed_size(flags)))
            total += (of_outputs[:, b] * outputs).sum()
        return total

    watched = [encoded.outputs, tf.constant(embedded), *tf.nest.flatten(encoded.state)]
    with tf.GradientTape() as tape:
        tape.watch(watched)
        outputs = decoder.sequence(watched[1], *decoder.start(encoded, LENGTHS), None)
        total = tf.reduce_sum(outputs * of_outputs)
    assert float(total) == pytest.approx(loss(), rel=1e-5)
    gradients = tape.gradient(total, [*expected.variables(decoder), *watched], unconnected_gradients="zero")
    for array, gradient in zip([*expected.arrays(), *exact], gradients, strict=True):
        chosen = [tuple(map(int, np.unravel_index(k, array.shape))) for k in rng.permutation(array.size)[:4]]
        actual = np.array([gradient.numpy()[at] for at in chosen])
        assert actual == pytest.approx(reference.slopes(loss, array, chosen), rel=2e-5, abs=1e-6)


@pytest.mark.parametrize("flags", PLACES[1:], ids=place_name)
def test_padding_of_the_source_never_changes_a_result(init, encode, embedded, flags):
    decoder, encoded = decoder_of(init, **flags), encode()
    outputs = decoder.sequence(embedded, *decoder.start(encoded, LENGTHS), None)
    junk = np.where(np.arange(S)[:, np.newaxis] >= LENGTHS[:, np.newaxis, np.newaxis], 9, encoded.outputs)
    wider = Encoded(tf.concat([tf.cast(junk, tf.float32), tf.ones((B, 4, M))], 1), encoded.state)
    again = decoder.sequence(embedded, *decoder.start(wider, LENGTHS), None)
    assert again.numpy() == pytest.approx(outputs.numpy(), abs=1e-6)


def test_it_starts_from_the_encoders_state_and_with_no_attention_vector(init, encode):
    encoded = encode()
    state, memory = decoder_of(init, attention="luong").start(encoded, LENGTHS)
    assert state.cells is encoded.state
    assert (state.attention_vector.numpy() == np.zeros((B, U))).all()
    assert memory.values.shape == (B, S, M)
    assert memory.keys.shape == (B, S, U)


@pytest.mark.parametrize("architecture", ["gnmt", "gnmt_v2"])
def test_gnmt_starts_from_the_encoders_state_and_with_an_empty_context(init, encode, architecture):
    encoded = encode()
    state, _ = decoder_of(init, attention="luong", attention_architecture=architecture).start(encoded, LENGTHS)
    assert state.cells is encoded.state
    assert (state.attention_vector.numpy() == np.zeros((B, M))).all()


def test_it_starts_from_zeros_when_told_and_it_can_look_back(init, encode):
    encoded = encode()
    state, _ = decoder_of(init, attention="luong", pass_hidden_state=False).start(encoded, LENGTHS)
    assert all((leaf.numpy() == 0).all() for leaf in tf.nest.flatten(state))
    state, _ = decoder_of(init, pass_hidden_state=False).start(encoded, LENGTHS)
    assert state.cells is encoded.state


def test_it_starts_from_zeros_with_other_layers_than_the_encoders(init, encode):
    decoder = decoder_of(init, attention="luong", attention_architecture="gnmt", num_decoder_layers=2)
    state, _ = decoder.start(encode(), LENGTHS)
    assert len(state.cells) == 2
    assert all((leaf.numpy() == 0).all() for leaf in tf.nest.flatten(state))


def test_a_step_feeds_the_attention_vector_into_the_bottom_cell(init, encode, embedded, rng):
    decoder = decoder_of(init, layers=2, attention="scaled_luong")
    start, memory = decoder.start(encode(layers=2), LENGTHS)
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


def test_it_may_predict_from_the_cell_and_still_feed_the_attention_vector(init, encode, embedded):
    decoder = decoder_of(init, attention="bahdanau", output_attention=False)
    output, state, _ = decoder.step(embedded[0], *decoder.start(encode(), LENGTHS))
    assert (output.numpy() == state.cells[-1].h.numpy()).all()
    assert (state.attention_vector.numpy() != output.numpy()).any()


def test_without_attention_the_output_is_the_top_cells(init, encode, embedded):
    decoder = decoder_of(init)
    output, state, alignments = decoder.step(embedded[0], *decoder.start(encode(), LENGTHS))
    assert (output.numpy() == state.cells[-1].h.numpy()).all()
    assert alignments.shape == (B, 0)
    assert state.attention_vector.shape == (B, 0)


class Constant:
    """A cell that puts out one number, whatever it reads, and remembers what it read."""

    def __init__(self, number):
        self.number = number

    def zero_state(self, batch_size):
        return LSTMState(tf.zeros((batch_size, U)), tf.zeros((batch_size, U)))

    def step(self, inputs, state):
        self.read = inputs.numpy()
        return tf.fill((B, U), float(self.number)), state


def constant_decoder(init, **flags):
    """Four layers that put out 1, 10, 100 and 1000."""
    decoder = decoder_of(init, layers=4, attention="luong", output_attention=False, **flags)
    decoder.cells = [Constant(10**i) for i in range(4)]
    return decoder


def step_from(decoder, encoded, fed):
    start, memory = decoder.start(encoded, LENGTHS)
    fed = tf.fill(start.attention_vector.shape, float(fed))
    return decoder.step(tf.zeros((B, U)), DecoderState(start.cells, fed), memory)


def test_residuals_add_the_layer_below_in_every_layer_but_the_first(init, encode):
    output, _, _ = step_from(constant_decoder(init, residual=True), encode(layers=4), 0)
    assert (output.numpy() == 1111).all()
    output, _, _ = step_from(constant_decoder(init), encode(layers=4), 0)
    assert (output.numpy() == 1000).all()


def test_with_a_gnmt_encoder_of_as_many_layers_the_second_has_no_residual_either(init, encode):
    encoded = encode(layers=4)
    for architecture in ("standard", "gnmt", "gnmt_v2"):
        flags = {"residual": True, "encoder_type": "gnmt", "attention_architecture": architecture}
        output, _, _ = step_from(constant_decoder(init, **flags), encoded, 0)
        assert (output.numpy() == 1110).all()
    flags = {"residual": True, "encoder_type": "gnmt", "num_encoder_layers": 3, "attention_architecture": "gnmt"}
    output, _, _ = step_from(constant_decoder(init, **flags), encoded, 0)
    assert (output.numpy() == 1111).all()


def test_gnmts_upper_layers_see_the_last_context_and_pass_on_the_layer_below_alone(init, encode):
    decoder = constant_decoder(init, residual=True, attention_architecture="gnmt")
    output, state, _ = step_from(decoder, encode(layers=4), 7)
    assert (output.numpy() == 1111).all()
    for cell, below in zip(decoder.cells, (0, 1, 11, 111), strict=True):
        assert cell.read.shape == (B, U + M)
        assert (cell.read[:, :U] == below).all()
        assert (cell.read[:, U:] == 7).all()
    assert (state.attention_vector.numpy() != 7).all()


def test_gnmt_v2s_upper_layers_see_the_context_of_this_step(init, encode):
    decoder = constant_decoder(init, residual=True, attention_architecture="gnmt_v2")
    output, state, alignments = step_from(decoder, encode(layers=4), 7)
    assert (output.numpy() == 1111).all()
    assert (decoder.cells[0].read[:, U:] == 7).all()
    query = tf.ones((B, U))  # the bottom cell's output asks
    context, expected = attend(decoder.mechanism, query, decoder.start(encode(layers=4), LENGTHS)[1])
    assert context.shape == (B, M)
    assert alignments.shape == expected.shape
    for cell, below in zip(decoder.cells[1:], (1, 11, 111), strict=True):
        assert (cell.read[:, :U] == below).all()
        assert (cell.read[:, U:] == state.attention_vector.numpy()).all()


def test_gnmt_has_no_attention_layer_and_predicts_from_its_top_cell(init, encode, embedded):
    flags = {"attention": "luong", "attention_architecture": "gnmt"}
    for output_attention in (True, False):
        decoder = decoder_of(init, **flags, output_attention=output_attention)
        output, state, _ = decoder.step(embedded[0], *decoder.start(encode(), LENGTHS))
        assert (output.numpy() == state.cells[-1].h.numpy()).all()
        assert getattr(decoder, "attention_kernel", None) is None


def test_a_single_layer_of_gnmt_v2_asks_and_answers(init, encode, embedded):
    decoder = decoder_of(init, layers=1, attention="luong", attention_architecture="gnmt_v2")
    output, state, alignments = decoder.step(embedded[0], *decoder.start(encode(layers=1), LENGTHS))
    assert (output.numpy() == state.cells[0].h.numpy()).all()
    assert alignments.numpy().sum(1) == pytest.approx(np.ones(B))


@pytest.mark.parametrize("architecture", ["standard", "gnmt", "gnmt_v2"])
def test_dropout_depends_on_the_seed_alone(init, encode, embedded, architecture):
    decoder = decoder_of(init, attention="luong", attention_architecture=architecture)
    start = decoder.start(encode(), LENGTHS)

    def outputs(seed):
        return decoder.sequence(embedded, *start, Dropout(0.5, tf.constant(seed))).numpy()

    assert (outputs([0, 1]) == outputs([0, 1])).all()
    assert (outputs([0, 1]) != outputs([0, 2])).any()
    assert (outputs([0, 1]) != decoder.sequence(embedded, *start, None).numpy()).any()


def test_what_a_residual_connection_adds_is_not_dropped(init, encode):
    decoder = constant_decoder(init, residual=True, attention_architecture="gnmt")
    start, memory = decoder.start(encode(layers=4), LENGTHS)
    masks = [tf.zeros((B, U + M))] * 4
    output, _, _ = decoder.step(tf.zeros((B, U)), start, memory, masks)
    assert (output.numpy() == 1111).all()
    assert all((cell.read == 0).all() for cell in decoder.cells)


def test_the_flag_names_the_decoder(init):
    assert isinstance(decoder_of(init, attention="luong"), StandardDecoder)
    for architecture in ("gnmt", "gnmt_v2"):
        assert isinstance(decoder_of(init, attention="luong", attention_architecture=architecture), GNMTDecoder)
