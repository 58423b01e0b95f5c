"""Bins and the expected calibration error, by hand."""

import pytest

from core.reply.reliability import Bin, calibration_error, reliability

SCORES = [0.0, 0.2, 0.25, 0.9, 1.0]
RIGHT = [False, True, False, True, True]


def test_answers_are_binned_by_score_and_borders_belong_below():
    low, second, high = reliability(SCORES, RIGHT, bins=5)
    assert low == Bin(0.0, 0.2, 2, pytest.approx(0.1), 0.5)
    assert second == Bin(0.2, 0.4, 1, 0.25, 0.0)
    assert high == Bin(0.8, 1.0, 2, pytest.approx(0.95), 1.0)


def test_the_error_counts_each_bin_by_its_answers():
    assert calibration_error(SCORES, RIGHT, bins=5) == pytest.approx((2 * 0.4 + 1 * 0.25 + 2 * 0.05) / 5)


def test_scores_that_mean_what_they_say_have_no_error():
    assert calibration_error([0.5, 0.5], [True, False]) == 0.0
    assert calibration_error([], []) == 0.0


def test_a_score_that_is_no_probability_is_refused():
    with pytest.raises(ValueError, match=r"1\.5"):
        reliability([1.5], [True])
