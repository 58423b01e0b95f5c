"""The mechanisms, against their papers' equations in NumPy, float64, against finite differences, and by hand."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from core.nmt.attention import BahdanauAttention, LuongAttention, attend, make_attention
from tests.core.nmt import numpy_reference as reference

B, S, M, U = 3, 5, 4, 2
LENGTHS = np.array([5, 1, 3], np.int32)
NAMES = ("luong", "scaled_luong", "bahdanau", "normed_bahdanau")


@pytest.fixture
def outputs(rng):
    return rng.normal(size=(B, S, M)).astype(np.float32)


@pytest.fixture
def query(rng):
    return rng.normal(size=(B, U)).astype(np.float32)


@pytest.fixture(params=NAMES)
def named(request, init, rng):
    """A mechanism by its flag's name, with every weight away from where it begins."""
    mechanism = make_attention(request.param, M, U, init)
    for variable in mechanism.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    return request.param, mechanism


def test_scores_contexts_and_alignments_are_the_papers(named, outputs, query, relative_error):
    name, mechanism = named
    memory = mechanism.remember(outputs, LENGTHS)
    scores = mechanism.score(query[:, np.newaxis], memory).numpy()[:, 0]
    context, alignments = attend(mechanism, query, memory)
    for b, length in enumerate(LENGTHS):
        weights, values = reference.weights_of(mechanism), outputs[b, :length].astype(np.float64)
        assert relative_error(scores[b, :length], reference.scores(name, weights, query[b], values)) < 1e-5
        wanted, shares = reference.attend(name, weights, query[b], values)
        assert relative_error(alignments[b, :length], shares) < 1e-5
        assert relative_error(context[b], wanted) < 1e-5


def test_the_gradients_of_a_context_are_its_finite_differences(named, outputs, query, rng, relative_error):
    name, mechanism = named
    weights, exact = reference.weights_of(mechanism), [query.astype(np.float64), outputs.astype(np.float64)]
    of_context = rng.normal(size=(B, M))

    def loss():
        rows = enumerate(LENGTHS)
        return sum(of_context[b] @ reference.attend(name, weights, exact[0][b], exact[1][b, :n])[0] for b, n in rows)

    variables, watched = [vars(mechanism)[key] for key in weights], [tf.constant(query), tf.constant(outputs)]
    with tf.GradientTape() as tape:
        tape.watch(watched)
        context, _ = attend(mechanism, watched[0], mechanism.remember(watched[1], LENGTHS))
        total = tf.reduce_sum(context * of_context)
    gradients = tape.gradient(total, [*variables, *watched])
    for array, gradient in zip([*weights.values(), *exact], gradients, strict=True):
        everywhere = list(np.ndindex(array.shape))
        slopes = reference.slopes(loss, array, everywhere)
        assert relative_error([gradient.numpy()[at] for at in everywhere], slopes) < 1e-5


def test_padding_is_never_looked_at(named, outputs, query):
    _, mechanism = named
    padding = np.arange(S) >= LENGTHS[:, np.newaxis]
    changed = np.where(padding[:, :, np.newaxis], np.float32(1e4), outputs)
    context, alignments = attend(mechanism, query, mechanism.remember(outputs, LENGTHS))
    context_changed, _ = attend(mechanism, query, mechanism.remember(changed, LENGTHS))
    assert (context.numpy() == context_changed.numpy()).all()
    assert (alignments.numpy()[padding] == 0).all()


def test_more_padding_changes_nothing(named, outputs, query):
    _, mechanism = named
    context, _ = attend(mechanism, query, mechanism.remember(outputs, LENGTHS))
    wider = np.concatenate([outputs, np.full((B, 7, M), 9, np.float32)], 1)
    assert attend(mechanism, query, mechanism.remember(wider, LENGTHS))[0].numpy() == pytest.approx(
        context.numpy(), abs=1e-6
    )


def test_a_source_without_tokens_gives_an_empty_context_and_no_nan(named, outputs, query):
    _, mechanism = named
    context, alignments = attend(mechanism, query, mechanism.remember(outputs, np.zeros(B, np.int32)))
    assert (context.numpy() == 0).all()
    assert np.isfinite(alignments.numpy()).all()


def test_what_is_learned_by_the_variants_begins_neutral(init):
    assert make_attention("luong", M, U, init).scale is None
    assert make_attention("scaled_luong", M, U, init).scale.numpy() == 1
    plain, normed = make_attention("bahdanau", M, U, init), make_attention("normed_bahdanau", M, U, init)
    assert plain.g is None
    assert normed.g.numpy() == pytest.approx(2**-0.5)
    assert (normed.bias.numpy() == 0).all()


def test_the_flag_names_the_mechanism(init):
    assert isinstance(make_attention("scaled_luong", M, U, init), LuongAttention)
    assert isinstance(make_attention("normed_bahdanau", M, U, init), BahdanauAttention)


def by_hand(name, memory_kernel, query, **weights):
    """Alignments over two tokens, (1, 0) and (0, 1), which are also the context."""
    mechanism = make_attention(name, 2, len(query), tf.ones)
    mechanism.memory_kernel.assign(memory_kernel)
    for key, value in weights.items():
        getattr(mechanism, key).assign(value)
    memory = mechanism.remember(np.eye(2, dtype=np.float32)[np.newaxis], np.array([2]))
    context, alignments = attend(mechanism, np.array([query], np.float32), memory)
    assert (context.numpy() == alignments.numpy()).all()
    return alignments.numpy()[0]


def test_luong_by_hand():
    # The keys are (ln 3, 7) and (0, 7); the query (1, 0) sees their first numbers: 3 to 1.
    assert by_hand("luong", [[np.log(3), 7], [0, 7]], (1, 0)) == pytest.approx((3 / 4, 1 / 4))


def test_scaled_luong_by_hand():
    # Twice the score is the square of the ratio: 9 to 1.
    assert by_hand("scaled_luong", [[np.log(3), 7], [0, 7]], (1, 0), scale=2) == pytest.approx((9 / 10, 1 / 10))


def test_bahdanau_by_hand():
    # The keys are ln 3 and 0, and the query adds -½ ln 3 to both: tanh(±½ ln 3) = ±1/2, and v = ln 3 apart is 3 to 1.
    half = np.log(3) / 2
    alignments = by_hand("bahdanau", [[2 * half], [0]], (0.5,), query_kernel=[[-2 * half]], v=[np.log(3)])
    assert alignments == pytest.approx((3 / 4, 1 / 4))


def test_normed_bahdanau_by_hand():
    # As above, but the bias makes up for a query that adds nothing, and v, of length 5, is brought to
    # g = 5/3 ln 3: the hidden vectors (±1/2, 0) score ±½ · 3/5 · 5/3 ln 3.
    half = np.log(3) / 2
    weights = {"query_kernel": [[0, 0], [0, 0]], "v": [3, 4], "g": np.log(3) * 5 / 3, "bias": [-half, 0]}
    alignments = by_hand("normed_bahdanau", [[2 * half, 0], [0, 0]], (1, 1), **weights)
    assert alignments == pytest.approx((3 / 4, 1 / 4))


@pytest.mark.parametrize("name", NAMES)
def test_compiled_scores_of_batches_of_all_sizes_are_the_papers(name, init, rng, relative_error):
    """Libraries choose their products by sizes and by processor, and one of them wrote beyond its result."""
    units = 6
    mechanism = make_attention(name, M, units, init)
    weights = reference.weights_of(mechanism)

    @tf.function(reduce_retracing=True)
    def score(values, queries):
        return mechanism.score(queries, mechanism.remember(values, tf.repeat(tf.shape(values)[1], tf.shape(values)[0])))

    for batch, steps, tokens in itertools.product((1, 12, 48), (1, 3), (1, 5, 9, 30)):
        values = rng.normal(size=(batch, tokens, M)).astype(np.float32)
        queries = rng.normal(size=(batch, steps, units)).astype(np.float32)
        scores = score(values, queries).numpy()
        b, t = batch - 1, steps - 1
        wanted = reference.scores(name, weights, queries[b, t].astype(np.float64), values[b].astype(np.float64))
        assert scores.shape == (batch, steps, tokens)
        assert relative_error(scores[b, t], wanted) < 1e-5
