import pytest

from core.corpus import CorpusSettings
from core.corpus.partition import fraction, held_out

QUESTIONS = [f"질문 {i}" for i in range(4000)]


def test_a_question_has_the_same_place_on_every_machine():
    # blake2b of the UTF-8 bytes: these numbers may never change, or old and new scores can't be compared.
    assert fraction("안녕하세요") == pytest.approx(0.633401306524, abs=1e-12)
    assert fraction("") == pytest.approx(0.866604091461, abs=1e-12)


def test_shares_are_about_met():
    dev, test = held_out(QUESTIONS, CorpusSettings(dev_share=0.05, test_share=0.1))
    assert 150 < len(dev) < 250
    assert 330 < len(test) < 470
    assert not dev & test


def test_more_questions_move_none_of_the_old():
    few = held_out(QUESTIONS[:2000], CorpusSettings())
    many = held_out(QUESTIONS, CorpusSettings())
    for before, after in zip(few, many, strict=True):
        assert before == after & set(QUESTIONS[:2000])


def test_a_full_set_gives_questions_back_to_training_only():
    choice = CorpusSettings(dev_share=0.1, test_share=0.1, max_dev=50, max_test=60)
    few_dev, few_test = held_out(QUESTIONS[:2000], choice)
    dev, test = held_out(QUESTIONS, choice)
    assert (len(dev), len(test)) == (50, 60)
    assert dev & set(QUESTIONS[:2000]) <= few_dev
    assert test & set(QUESTIONS[:2000]) <= few_test


def test_too_few_questions_are_none_held_out():
    assert held_out(QUESTIONS[:999], CorpusSettings(min_bulk=1000)) == (set(), set())
    assert held_out([], CorpusSettings(min_bulk=0)) == (set(), set())


def test_no_share_holds_nothing_out():
    assert held_out(QUESTIONS, CorpusSettings(dev_share=0, test_share=0)) == (set(), set())
