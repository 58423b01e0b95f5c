"""Corrections drawn for a measurement: half new, half known questions with another answer, the same for one seed."""

import pytest
from benchmarks.corrections import HELD_BACK, draw, hold_back

from core.corpus import Pair

PAIRS = [Pair(f"질문 {n}", f"대답 {n % 40}", bulk=True) for n in range(300)]


@pytest.fixture(scope="module")
def drawn():
    return draw(PAIRS, 20, seed=1)


def test_what_the_parent_learns_holds_none_of_the_questions_that_are_held_back():
    before, held = hold_back(PAIRS)
    assert len(held) == HELD_BACK
    assert {pair.question for pair in before} & {pair.question for pair in held} == set()
    assert len(before) + len(held) == len(PAIRS)


def test_half_are_new_and_half_are_known_with_an_answer_of_another_question(drawn):
    known = {pair.question: pair.answer for pair in drawn.before}
    new = [pair for pair in drawn.corrections if pair.question not in known]
    changed = [pair for pair in drawn.corrections if pair.question in known]
    assert (len(new), len(changed)) == (10, 10)
    assert all(pair in [Pair(p.question, p.answer) for p in PAIRS] for pair in new)
    assert all(known[pair.question] != pair.answer in known.values() for pair in changed)


def test_corrections_are_reviewed_and_no_bulk(drawn):
    assert not any(pair.bulk for pair in drawn.corrections)
    assert all(pair.bulk for pair in drawn.before)


def test_a_seed_draws_the_same_again_and_another_seed_others(drawn):
    assert draw(PAIRS, 20, seed=1) == drawn
    assert draw(PAIRS, 20, seed=2).corrections != drawn.corrections
