"""Paired bootstrap resampling, against what can be counted by hand."""

import pytest

from core.evolve.bootstrap import share_worse


@pytest.mark.parametrize(
    ("differences", "share"),
    [
        # Of the 4 ways to draw two of two only the one that draws the worse question twice is worse; two are ties.
        ([-1.0, 1.0], 1 / 4),
        # Of the 27 ways to draw three of three 7 draw the first twice or more often.
        ([-2.0, 1.0, 1.0], 7 / 27),
        # Mirrored: worse are those that draw the first not at all, 8; those that draw it once are ties.
        ([2.0, -1.0, -1.0], 8 / 27),
    ],
)
def test_the_share_of_worse_sets_is_what_counting_all_of_them_gives(differences, share):
    assert share_worse(differences, 40_000) == pytest.approx(share, abs=0.01)


def test_what_is_always_worse_or_never_is_sure():
    assert share_worse([-0.1] * 5, 100) == 1
    assert share_worse([0.1] * 5, 100) == 0
    assert share_worse([0.0] * 5, 100) == 0


def test_equal_scores_that_rounding_makes_unequal_are_ties():
    assert share_worse([0.1, 0.2, -0.3] * 7, 1000) == pytest.approx(0.5, abs=0.06)
    assert share_worse([0.1 + 0.2 - 0.3 - 1e-15] * 9, 100) == 0


def test_the_same_answers_get_the_same_verdict():
    differences = [-3.0, 1.0, 2.0, -0.5, 0.25]
    assert share_worse(differences, 1000) == share_worse(differences, 1000)
