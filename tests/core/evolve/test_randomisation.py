"""The paired randomisation test, against what can be counted by hand and against models that are equally good."""

import numpy as np
import pytest

from core.evolve.randomisation import chance_of_worse


@pytest.mark.parametrize(
    ("differences", "chance"),
    [
        ([-1.0], 1 / 2),
        # Of the 8 ways to set three signs this is the only one as bad.
        ([-1.0, -1.0, -1.0], 1 / 8),
        # Sums: ±1 ±2 ±3; -4 or less are -6 and -4.
        ([1.0, -2.0, -3.0], 2 / 8),
        # Questions with equal answers tell nothing, however many there are.
        ([0.0] * 500 + [-1.0, -1.0, -1.0], 1 / 8),
        ([0.0] * 500, 1.0),
        ([5.0, 5.0], 1.0),
    ],
)
def test_few_differences_are_counted_out(differences, chance):
    assert chance_of_worse(differences, 1000) == pytest.approx(chance)


def test_drawing_gives_what_counting_does():
    differences = [-3.0, 1.0, 2.0, -0.5, 0.25, -2.0, -1.5, 0.5, 1.0, -1.0, -2.5, 0.75]
    counted, drawn = chance_of_worse(differences, 2**12), chance_of_worse(differences, 2**11)
    assert drawn == pytest.approx(counted, abs=0.03)
    assert drawn != counted


def test_what_is_surely_worse_is_as_unlikely_as_drawing_can_tell():
    assert chance_of_worse([-0.1] * 50, 999) == 1 / 1000
    assert chance_of_worse([0.1] * 50, 999) == 1


def test_equal_scores_that_rounding_makes_unequal_are_ties():
    assert chance_of_worse([0.1 + 0.2 - 0.3] * 40, 999) == 1


def test_the_same_answers_get_the_same_verdict():
    differences = list(np.random.default_rng(5).normal(size=60))
    assert chance_of_worse(differences, 1000) == chance_of_worse(differences, 1000)


@pytest.mark.parametrize("changed", [4, 12, 200])
def test_of_equally_good_models_no_more_are_called_worse_than_is_said(changed):
    """Also where few answers differ, as after a warm start."""
    random = np.random.default_rng(7)
    trials = [chance_of_worse(random.laplace(scale=20, size=changed), 199) for _ in range(600)]
    for level in (0.01, 0.05, 0.2):
        sampling = 3 * (level * (1 - level) / len(trials)) ** 0.5
        assert np.mean(np.array(trials) <= level) <= level + sampling


def test_where_few_answers_differ_the_bootstrap_calls_more_models_worse_than_it_says():
    """Koehn (2004), section 4: worse on 95 % of the test sets that are drawn with replacement."""
    random = np.random.default_rng(11)
    trials = [np.append(random.laplace(scale=20, size=3), np.zeros(297)) for _ in range(400)]
    drawn = random.multinomial(300, [1 / 300] * 300, size=500)
    assert np.mean([np.mean(drawn @ trial < 0) >= 0.95 for trial in trials]) > 0.1
    assert np.mean([chance_of_worse(trial, 499) <= 0.05 for trial in trials]) <= 0.05


@pytest.mark.parametrize(("worse", "caught"), [(2.0, 0.3), (3.0, 0.65)])
def test_a_model_that_is_worse_indeed_is_caught(worse, caught):
    """By so many points on each of 550 questions, 380 of which are answered otherwise, at a level of 1 %."""
    random = np.random.default_rng(13)
    trials = [random.laplace(scale=20, size=380) - worse * 550 / 380 for _ in range(150)]
    assert caught < np.mean([chance_of_worse(trial, 499) <= 0.01 for trial in trials]) < caught + 0.2
