"""Drawing tokens: how often each comes, and which come at all."""

import itertools
import math

import numpy as np
import pytest
import tensorflow as tf

from core.nmt.sampling import Sampling, draw, sample_search
from tests.core.nmt.step_functions import ENDS, EOS, SOS, bounds, chain, greedy, random_chain, words_of

PROBS = np.array([0.4, 0.05, 0.25, 0.2, 0.1], np.float32)


def drawn(sampling, numbers):
    log_probs = tf.math.log(tf.constant([PROBS] * len(numbers)))
    return draw(log_probs, tf.constant(numbers, tf.float32), sampling).numpy()


def shares(sampling, count=20000):
    """How often each token is drawn by numbers that lie anywhere from 0 to 1."""
    numbers = np.random.default_rng(3).random(count, np.float32)
    return np.bincount(drawn(sampling, numbers), minlength=len(PROBS)) / count


def expected(probs, kept=range(5), temperature=1.0):
    weights = np.array([p ** (1 / temperature) if i in kept else 0 for i, p in enumerate(probs)])
    return weights / weights.sum()


@pytest.mark.parametrize(
    ("sampling", "wanted"),
    [
        (Sampling(), expected(PROBS)),
        (Sampling(temperature=0.5), expected(PROBS, temperature=0.5)),
        (Sampling(temperature=3.0), expected(PROBS, temperature=3.0)),
        (Sampling(top_k=2), expected(PROBS, kept=(0, 2))),
        (Sampling(top_k=9), expected(PROBS)),
        (Sampling(top_p=0.6), expected(PROBS, kept=(0, 2))),
        (Sampling(top_p=0.66), expected(PROBS, kept=(0, 2, 3))),
        (Sampling(top_k=3, top_p=0.7), expected(PROBS, kept=(0, 2))),
        (Sampling(temperature=2.0, top_k=4, top_p=0.5), expected(PROBS, kept=(0, 2), temperature=2.0)),
    ],
    ids=str,
)
def test_tokens_come_as_often_as_they_are_likely(sampling, wanted):
    found, count = shares(sampling), 20000
    assert (found[wanted == 0] == 0).all()
    # χ² with at most 4 degrees of freedom: above 18.5 once in a thousand times, and the numbers are fixed.
    wanted_counts = wanted[wanted > 0] * count
    assert ((found[wanted > 0] * count - wanted_counts) ** 2 / wanted_counts).sum() < 18.5


def test_a_number_says_how_far_along_the_probabilities_the_token_lies():
    assert drawn(Sampling(), [0.0, 0.39, 0.41, 0.46, 0.69, 0.71, 0.91]).tolist() == [0, 0, 1, 2, 2, 3, 4]
    # With top-k and top-p the likeliest lie first: 0, 2, 3 with 0.4, 0.65, 0.85 reached.
    assert drawn(Sampling(top_p=0.8), [0.0, 0.4 / 0.86, 0.66 / 0.85, 0.999]).tolist() == [0, 0, 3, 3]


def test_the_greatest_number_below_1_still_is_a_token():
    below = np.nextafter(np.float32(1), np.float32(0))
    for sampling in (Sampling(), Sampling(top_k=3), Sampling(top_p=0.7), Sampling(top_p=0.999999)):
        assert 0 <= drawn(sampling, [below])[0] < len(PROBS)


def test_a_share_that_the_first_token_holds_alone_is_greedy():
    assert set(drawn(Sampling(top_p=0.1), [0.0, 0.5, 0.99])) == {0}
    assert set(drawn(Sampling(top_k=1), [0.0, 0.5, 0.99])) == {0}


def test_sampling_scores_by_the_models_own_probabilities_until_the_end():
    table, step = random_chain(2)
    numbers = np.random.default_rng(1).random((40, 6), np.float32)
    drawing = (Sampling(temperature=2.0, top_k=4), tf.constant(numbers))
    decoded = sample_search(step, (), bounds(6, 40), ENDS, drawing)
    found = {words[0] for words in words_of(decoded)}
    assert len(found) > 10
    for [word], total in zip(words_of(decoded), decoded.log_probs.numpy()[:, 0], strict=True):
        tokens = [SOS, *word, *([EOS] if len(word) < 6 else [])]
        assert total == pytest.approx(sum(math.log(table[a, b]) for a, b in itertools.pairwise(tokens)), rel=1e-4)


def test_a_row_draws_by_its_own_numbers_alone():
    _, step = random_chain(2)
    numbers = tf.constant(np.random.default_rng(1).random((5, 6), np.float32))
    together = sample_search(step, (), bounds(6, 5), ENDS, (Sampling(), numbers))
    for b in range(5):
        alone = sample_search(step, (), bounds(6), ENDS, (Sampling(), numbers[b : b + 1]))
        assert words_of(alone)[0] == words_of(together)[b]


def test_a_low_temperature_is_greedy():
    _, step = random_chain(6)
    drawing = (Sampling(temperature=1e-3), tf.constant(np.random.default_rng(1).random((1, 6), np.float32)))
    assert words_of(sample_search(step, (), bounds(6), ENDS, drawing)) == words_of(greedy(step, ()))
    assert words_of(greedy(chain(np.eye(5) + 1e-6), (), longest=2)) == [[(SOS, SOS)]]
