"""Nearest neighbours that vote."""

import pytest

from core.memory import Match, candidates


def test_an_answer_with_several_near_questions_wins_over_one_that_is_little_nearer():
    matches = [Match(1, "가", "A", 0.6), Match(2, "나", "B", 0.5), Match(3, "다", "B", 0.5)]
    assert candidates(matches) == [("B", pytest.approx(2.0)), ("A", pytest.approx(1.5**1.5))]


def test_of_two_as_near_the_answer_of_more_questions_wins():
    matches = [Match(1, "가", "A", 0.5, shared=1), Match(2, "나", "B", 0.5, shared=9)]
    assert candidates(matches) == [("B", pytest.approx(3.0)), ("A", pytest.approx(1.0))]


def test_a_question_that_is_nearly_the_same_wins_over_answers_of_many():
    matches = [Match(1, "가", "A", 0.9), *(Match(row, str(row), "B", 0.4, shared=9) for row in range(2, 8))]
    assert candidates(matches)[0][0] == "A"


def test_the_same_question_decides_alone_by_its_newest_answer():
    matches = [Match(4, "가", "C", 1.0), Match(1, "가?", "A", 1.0), Match(2, "나", "B", 0.99), Match(3, "다", "B", 0.9)]
    assert [answer for answer, _ in candidates(matches)] == ["C", "B"]


def test_no_matches_have_no_candidates():
    assert candidates([]) == []
