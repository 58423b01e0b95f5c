"""Logits in NumPy: their products, sums of exponentials, and highest in parts."""

import numpy as np
import pytest

from core.nmt.numpy_logits import Logits, part_maxima


@pytest.mark.parametrize("size", [1.0, 300.0])
def test_log_sum_exp_of_small_and_of_huge_logits(size):
    logits = (np.random.default_rng(0).normal(size=(37, 50)) * size).astype("f")
    expected = np.logaddexp.reduce(logits.astype(float), axis=1)
    kept = logits.copy()
    found = Logits(np.zeros((3, 50), "f"), 37).log_sum_exp(logits, logits.max(1))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(logits, kept)


def test_logits_of_any_number_of_rows():
    generator = np.random.default_rng(1)
    projection = generator.normal(size=(5, 11)).astype("f")
    logits = Logits(projection, 70)
    for count in (1, 2, 3, 4, 5, 10, 12, 63, 64, 65, 70):
        vectors = generator.normal(size=(count, 5)).astype("f")
        scores = logits.scores(vectors)
        expected = vectors @ projection
        np.testing.assert_allclose(scores.logits, expected, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(scores.log_sums, np.logaddexp.reduce(expected, 1), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("parts", [1, 4, 7, 50, 60])
def test_every_token_is_in_a_part(parts):
    logits = np.random.default_rng(2).normal(size=(3, 50)).astype("f")
    maxima = part_maxima(logits, parts)
    length = -(-50 // parts)
    expected = [[row[at : at + length].max() for at in range(0, 50, length)] for row in logits]
    np.testing.assert_array_equal(maxima, expected)
    assert maxima.shape[1] <= parts
