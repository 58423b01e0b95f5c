"""Sentences ranked by log-probability and length."""

import math

import numpy as np
import pytest

from core.nmt.beams import length_penalty
from core.nmt.ranking import Ranking


def test_without_weight_a_score_is_the_log_probability():
    assert Ranking().score(-3.5, 7) == -3.5


def test_a_score_is_that_of_a_beam_search():
    penalty = float(length_penalty(np.array([7]), 0.8)[0])
    assert Ranking(0.8, 20).score(-3.5, 7) == pytest.approx(-3.5 / penalty, rel=1e-6)


def test_without_weight_more_than_half_of_the_probability_is_sure():
    assert Ranking().sure(np.log([0.49, 0.5, 0.52, 1.0]), [3, 3, 3, 3]).tolist() == [False, False, True, True]


@pytest.mark.parametrize("weight", [-1.5, -0.2, 0.3, 1.0, 2.0])
def test_nothing_overtakes_what_is_sure(weight):
    ranking = Ranking(weight, longest=25)
    generator = np.random.default_rng(0)
    seen = 0
    for probability, tokens in zip(generator.random(300), generator.integers(1, 26, 300), strict=True):
        score = ranking.score(math.log(probability), int(tokens))
        rival = max(ranking.score(math.log(1 - probability), other) for other in range(1, 26))
        [sure] = ranking.sure([math.log(probability)], [tokens])
        assert not (sure and rival >= score)
        assert not (sure and probability < 0.5)  # every search finds it
        seen += bool(sure)
    assert 0 < seen < 300
    assert ranking.sure([-1e-6], [2]).all()


def test_of_no_sentences_none_is_sure():
    assert Ranking(1.0, 9).sure([], []).shape == (0,)


def test_what_has_no_probability_and_what_is_no_number_is_not_sure():
    assert not Ranking(1.0, 9).sure([-np.inf, np.nan, -1e30], [2, 2, 2]).any()
