"""The mechanisms, against their papers' equations in NumPy, float64."""

import numpy as np
import pytest
import tensorflow as tf

from core.nmt.attention import BahdanauAttention, LuongAttention, attend, make_attention

B, S, M, U = 3, 5, 4, 2
LENGTHS = np.array([5, 1, 3], np.int32)
NAMES = ("luong", "scaled_luong", "bahdanau", "normed_bahdanau")


def double(variable):
    return variable.numpy().astype(np.float64)


def expected_score(name, mechanism, query, values):
    """Scores (B, S), one query and one token at a time."""
    scores = np.zeros((B, S))
    for b in range(B):
        for s in range(S):
            key = values[b, s] @ double(mechanism.memory_kernel)
            if name == "luong":
                scores[b, s] = query[b] @ key
            elif name == "scaled_luong":
                scores[b, s] = double(mechanism.scale) * (query[b] @ key)
            elif name == "bahdanau":
                scores[b, s] = double(mechanism.v) @ np.tanh(query[b] @ double(mechanism.query_kernel) + key)
            else:
                v = double(mechanism.v)
                hidden = np.tanh(query[b] @ double(mechanism.query_kernel) + key + double(mechanism.bias))
                scores[b, s] = double(mechanism.g) * v @ hidden / np.linalg.norm(v)
    return scores


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
    real = np.arange(S) < LENGTHS[:, np.newaxis]
    scores = expected_score(name, mechanism, query, outputs)
    assert relative_error(np.where(real, mechanism.score(query, memory), 0), np.where(real, scores, 0)) < 1e-5

    weights = np.where(real, np.exp(scores), 0)
    weights /= weights.sum(1, keepdims=True)
    context, alignments = attend(mechanism, query, memory)
    assert relative_error(alignments, weights) < 1e-5
    assert relative_error(context, np.einsum("bs,bsm->bm", weights, outputs)) < 1e-5


def test_padding_is_never_looked_at(named, outputs, query):
    _, mechanism = named
    padding = np.arange(S) >= LENGTHS[:, np.newaxis]
    changed = np.where(padding[:, :, np.newaxis], np.float32(1e4), outputs)
    context, alignments = attend(mechanism, query, mechanism.remember(outputs, LENGTHS))
    context_changed, _ = attend(mechanism, query, mechanism.remember(changed, LENGTHS))
    assert (context.numpy() == context_changed.numpy()).all()
    assert (alignments.numpy()[padding] == 0).all()


def test_a_source_without_tokens_gives_an_empty_context_and_no_nan(named, outputs, query):
    _, mechanism = named
    context, alignments = attend(mechanism, query, mechanism.remember(outputs, np.zeros(B, np.int32)))
    assert (context.numpy() == 0).all()
    assert np.isfinite(alignments.numpy()).all()


def test_every_weight_has_a_gradient(named, outputs, query, rng):
    _, mechanism = named
    with tf.GradientTape() as tape:
        context, _ = attend(mechanism, query, mechanism.remember(outputs, LENGTHS))
        loss = tf.reduce_sum(context * rng.normal(size=(B, M)).astype(np.float32))
    for gradient in tape.gradient(loss, mechanism.trainable_variables):
        assert np.abs(gradient.numpy()).max() > 0


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
