"""Rarity of features, and the similarity that follows from it."""

import math

import pytest

from core.memory.features import Features
from core.memory.similarity import SHARES, Rarity


def features(stems, pieces="p", letters="l"):
    return Features(frozenset(stems), frozenset(pieces), frozenset(letters))


@pytest.fixture
def rarity():
    made = Rarity()
    for stems in ("ab", "ac", "ad"):
        made.wants_next()
        made.count(features(stems))
    made.settle()
    return made


def test_shares_add_up_to_one():
    assert sum(SHARES) == pytest.approx(1)


def test_a_question_is_as_similar_to_itself_as_can_be(rarity):
    one = rarity.measured(features("ab"))
    assert rarity.similarity(one, one) == pytest.approx(1)


def test_nothing_in_common_is_no_similarity(rarity):
    one, other = rarity.measured(features("ab")), rarity.measured(features("c", "q", "m"))
    assert rarity.similarity(one, other) == 0


def test_the_cosine_of_a_kind_is_weighted_by_inverse_document_frequency(rarity):
    one, other = rarity.measured(features("ab", "p", "")), rarity.measured(features("ac", "q", ""))
    common, rare = 1 + math.log(4 / 4), 1 + math.log(4 / 2)
    assert rarity.similarity(one, other) == pytest.approx(SHARES[0] * common**2 / (common**2 + rare**2))


def test_of_many_questions_each_sixteenth_is_counted_for_sixteen():
    rarity = Rarity()
    wanted = [rarity.wants_next() for _ in range(5064)]
    assert all(wanted[:5000])
    assert sum(wanted[5000:]) == 4
