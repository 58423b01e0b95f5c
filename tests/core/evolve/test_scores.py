"""Scores by hand: trained and unseen questions apart."""

import pytest
from sacrebleu.metrics import CHRF

from core.corpus import Example, Pair
from core.evolve.parent import Parent
from core.evolve.scores import score, unseen_scores
from core.text import Tokenizer


class Words:
    name = "words"

    def morphemes(self, text):
        return text.split()


TOKENIZER = Tokenizer(Words())


def example(question, answer, *, bulk=True, row=None):
    return Example(TOKENIZER.split(question), TOKENIZER.split(answer), Pair(question, answer, bulk=bulk, row=row))


def test_uptake_counts_questions_not_pairs_and_any_of_their_own_answers():
    train = [example("가", "하나"), example("가", "둘"), example("나", "셋"), example("다", "넷")]
    scores = score(train, ["둘", "둘", "셋", "셋"], [], [], TOKENIZER)
    assert scores.trained_questions == 3
    assert scores.uptake == pytest.approx(2 / 3)


def test_an_answer_is_learned_only_word_for_word():
    train = [example("가", "하나 둘")]
    assert score(train, ["하나 둘"], [], [], TOKENIZER).uptake == 1
    assert score(train, ["하나둘"], [], [], TOKENIZER).uptake == 0
    assert score(train, ["하나 둘 셋"], [], [], TOKENIZER).uptake == 0


def test_without_a_held_out_set_there_are_no_held_out_scores():
    scores = score([example("가", "하나")], ["하나"], [], [], TOKENIZER)
    assert (scores.heldout_bleu, scores.heldout_chrf, scores.heldout_pairs) == (None, None, 0)


def test_perfect_answers_to_unseen_questions_score_100_and_leave_uptake_alone():
    test = [example("라", "하나 둘 셋 넷 다섯")]
    scores = score([example("가", "하나")], ["틀림"], test, ["하나 둘 셋 넷 다섯"], TOKENIZER)
    assert scores.uptake == 0
    assert scores.heldout_bleu == pytest.approx(100)
    assert scores.heldout_chrf == pytest.approx(100)
    assert scores.heldout_pairs == 1


def test_bleu_is_over_morphemes_and_chrf_over_text():
    reference, answer = "하나 둘 셋 넷 다섯", "하나 둘 셋 넷 여섯"
    scores = score([example("가", "나")], ["나"], [example("라", reference)], [answer], TOKENIZER)
    # Precisions 4/5, 3/4, 2/3, 1/2, as long as the reference: their geometric mean.
    assert scores.heldout_bleu == pytest.approx(100 * (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25)
    assert scores.heldout_chrf == pytest.approx(CHRF().corpus_score([answer], [[reference]]).score)


def test_unseen_answers_are_scored_beside_the_parents_where_both_were_asked():
    test = [example("가", "하나 둘"), example("가", "셋 넷"), example("나", "다섯"), example("다", "여섯")]
    parent = Parent("run-1", {}, {"가": "하나", "나": "다섯", "다": "여섯"}, frozenset({"가", "나"}))
    scores = unseen_scores(test, ["셋 넷", "셋 넷", "일곱", "여섯"], parent)
    chrf = CHRF()
    assert scores == [
        pytest.approx((100, chrf.sentence_score("하나", ["하나 둘", "셋 넷"]).score)),
        pytest.approx((0, 100)),
    ]


def test_without_a_parent_unseen_answers_are_not_compared():
    assert unseen_scores([example("가", "하나")], ["하나"], None) == []
