"""Cross-entropy, against values worked out by hand."""

import math

import numpy as np
import pytest

from core.nmt.losses import token_cross_entropy

# Probabilities 1/2, 1/4, 1/4 in the first row, 1/10, 1/10, 8/10 in the second; logits may be shifted.
LOGITS = np.log(np.array([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]], np.float32)) + np.float32([[3], [-2]])


def test_the_loss_is_minus_the_log_probability_of_the_label():
    losses = token_cross_entropy(LOGITS, np.array([0, 1], np.int32)).numpy()
    assert losses == pytest.approx([math.log(2), math.log(10)], rel=1e-5)


def test_smoothing_spreads_its_share_over_the_whole_vocabulary():
    losses = token_cross_entropy(LOGITS, np.array([0, 1], np.int32), 0.3).numpy()
    first = (0.7 + 0.1) * math.log(2) + 0.1 * math.log(4) + 0.1 * math.log(4)
    second = (0.7 + 0.1) * math.log(10) + 0.1 * math.log(10) + 0.1 * math.log(1 / 0.8)
    assert losses == pytest.approx([first, second], rel=1e-5)


def test_large_logits_overflow_nothing():
    logits = np.array([[1000.0, 0.0]], np.float32)
    assert token_cross_entropy(logits, np.array([1], np.int32)).numpy() == pytest.approx([1000])
    assert token_cross_entropy(logits, np.array([0], np.int32), 0.1).numpy() == pytest.approx([50])
