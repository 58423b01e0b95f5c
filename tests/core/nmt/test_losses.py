"""Cross-entropy, of all words and of sampled ones, against values worked out by hand."""

import math

import numpy as np
import pytest
import tensorflow as tf

from core.nmt.losses import draw_candidates, expected_counts, sampled_cross_entropy, token_cross_entropy

# Probabilities 1/2, 1/4, 1/4 in the first row, 1/10, 1/10, 8/10 in the second; logits may be shifted.
LOGITS = np.log(np.array([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]], np.float32)) + np.float32([[3], [-2]])


def cross_entropy(logits, labels, smoothing=0.0):
    """The loss of outputs that are logits already."""
    return token_cross_entropy(logits, tf.eye(logits.shape[1]), labels, smoothing)


def test_the_loss_is_minus_the_log_probability_of_the_label():
    losses = cross_entropy(LOGITS, np.array([0, 1], np.int32)).numpy()
    assert losses == pytest.approx([math.log(2), math.log(10)], rel=1e-5)


def test_smoothing_spreads_its_share_over_the_whole_vocabulary():
    losses = cross_entropy(LOGITS, np.array([0, 1], np.int32), 0.3).numpy()
    first = (0.7 + 0.1) * math.log(2) + 0.1 * math.log(4) + 0.1 * math.log(4)
    second = (0.7 + 0.1) * math.log(10) + 0.1 * math.log(10) + 0.1 * math.log(1 / 0.8)
    assert losses == pytest.approx([first, second], rel=1e-5)


def test_large_logits_overflow_nothing():
    logits = np.array([[1000.0, 0.0]], np.float32)
    assert cross_entropy(logits, np.array([1], np.int32)).numpy() == pytest.approx([1000])
    assert cross_entropy(logits, np.array([0], np.int32), 0.1).numpy() == pytest.approx([50])


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_its_gradient_is_that_of_the_plain_formula(rng, smoothing):
    outputs = tf.constant(rng.normal(size=(5, 3)), tf.float32)
    projection = tf.constant(rng.normal(size=(3, 7)), tf.float32)
    labels = np.array([6, 0, 2, 2, 5], np.int32)
    weights = rng.normal(size=5).astype(np.float32)

    def plain(outputs, projection):
        log_probs = tf.nn.log_softmax(outputs @ projection)
        target = (1 - smoothing) * tf.one_hot(labels, 7) + smoothing / 7
        return -tf.reduce_sum(target * log_probs, 1)

    gradients = []
    for losses in (plain, lambda x, w: token_cross_entropy(x, w, labels, smoothing)):
        with tf.GradientTape() as tape:
            tape.watch([outputs, projection])
            weighted = tf.reduce_sum(weights * losses(outputs, projection))
        gradients.append(tape.gradient(weighted, [outputs, projection]))
    for expected, found in zip(*gradients, strict=True):
        assert found.numpy() == pytest.approx(expected.numpy(), abs=1e-5)


def test_its_gradient_may_be_asked_for_again(rng):
    """It is written where the probabilities were."""
    outputs, projection = (tf.constant(rng.normal(size=shape), tf.float32) for shape in ((4, 3), (3, 6)))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([outputs, projection])
        losses = token_cross_entropy(outputs, projection, np.array([5, 0, 2, 2], np.int32))
    before = losses.numpy().tolist()
    first, again = (tape.gradient(losses, [outputs, projection]) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        assert (one.numpy() == other.numpy()).all()
    assert losses.numpy().tolist() == before


def log_uniform(k, size):
    return math.log((k + 2) / (k + 1)) / math.log(size + 1)


def test_words_are_expected_as_often_as_so_many_draws_find_them():
    # Of five words the second has p = log(3/2) / log 6; it is missed by all of 4 draws with (1 - p)^4.
    p = math.log(3 / 2) / math.log(6)
    assert sum(log_uniform(k, 5) for k in range(5)) == pytest.approx(1)
    [found] = expected_counts(tf.constant([1], tf.int64), 5, tf.constant(4.0)).numpy()
    assert found == pytest.approx(1 - (1 - p) ** 4, rel=1e-5)


def test_candidates_are_distinct_and_depend_on_the_seed_alone():
    first, time = draw_candidates(50, 20, tf.constant([3, 4]))
    again, _ = draw_candidates(50, 20, tf.constant([3, 4]))
    other, _ = draw_candidates(50, 20, tf.constant([3, 5]))
    assert len(set(first.numpy())) == 20
    assert min(first.numpy()) >= 0
    assert max(first.numpy()) < 50
    assert (first.numpy() == again.numpy()).all()
    assert set(first.numpy()) != set(other.numpy())
    assert float(time) > 0


def test_all_words_can_be_drawn():
    assert sorted(draw_candidates(7, 7, tf.constant([0, 1]))[0].numpy()) == list(range(7))


@pytest.mark.slow
def test_words_are_drawn_as_often_as_tensorflows_sampler_draws_them():
    drawn = np.zeros(8)
    for i in range(600):
        drawn[draw_candidates(8, 3, tf.constant([1, i]))[0].numpy()] += 1 / 600
    reference = np.zeros(8)
    for i in range(600):
        sampled, _, _ = tf.random.log_uniform_candidate_sampler([[0]], 1, 3, True, 8, seed=i)
        reference[sampled.numpy()] += 1 / 600
    assert drawn == pytest.approx(reference, abs=0.08)  # four standard deviations of either


def test_the_sampled_loss_is_a_softmax_over_the_label_and_the_drawn_words(rng):
    outputs, projection = rng.normal(size=(2, 3)).astype(np.float32), rng.normal(size=(3, 9)).astype(np.float32)
    labels, seed = np.array([1, 8], np.int32), tf.constant([5, 6])
    candidates, time = draw_candidates(9, 4, seed)
    expected = []
    for output, label in zip(outputs, labels, strict=True):
        # A drawn word that is the label itself does not count against it.
        ids = [label, *(k for k in candidates.numpy() if k != label)]
        likely = [-math.expm1(float(time) * math.log1p(-log_uniform(k, 9))) for k in ids]
        logits = [output @ projection[:, k] - math.log(q) for k, q in zip(ids, likely, strict=True)]
        expected.append(np.log(np.exp(logits).sum()) - logits[0])
    losses = sampled_cross_entropy(tf.constant(outputs), tf.constant(projection), tf.constant(labels), 4, seed)
    assert losses.numpy() == pytest.approx(expected, rel=1e-4)


def test_only_the_label_and_the_drawn_words_have_a_gradient(rng):
    outputs = tf.constant(rng.normal(size=(1, 3)).astype(np.float32))
    projection = tf.Variable(rng.normal(size=(3, 30)).astype(np.float32))
    seed = tf.constant([5, 6])
    with tf.GradientTape() as tape:
        loss = sampled_cross_entropy(outputs, projection, tf.constant([29]), 4, seed)
    touched = np.flatnonzero(np.abs(tape.gradient(loss, projection).numpy()).sum(0))
    assert set(touched) == {29, *draw_candidates(30, 4, seed)[0].numpy()}
