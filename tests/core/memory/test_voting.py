"""Nearest neighbours that vote."""

import pytest

from core.memory import Match, candidates


def test_an_answer_with_several_near_questions_wins_over_one_that_is_little_nearer():
    matches = [Match(1, "가", "A", 0.8), Match(2, "나", "B", 0.75), Match(3, "다", "B", 0.7)]
    assert candidates(matches) == [
        ("B", pytest.approx(0.75**4 + 0.7**4)),
        ("A", pytest.approx(0.8**4)),
    ]


def test_the_same_question_decides_alone_by_its_newest_answer():
    matches = [Match(4, "가", "C", 1.0), Match(1, "가?", "A", 1.0), Match(2, "나", "B", 0.99), Match(3, "다", "B", 0.9)]
    assert [answer for answer, _ in candidates(matches)] == ["C", "B"]


def test_no_matches_have_no_candidates():
    assert candidates([]) == []
