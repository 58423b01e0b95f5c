"""From question tokens to replies: spelling, joining, and when there is nothing to say."""

import itertools

import pytest

from core.reply.fallback import UNHEARD, UNKNOWN, Fallback


def test_an_answer_is_joined_and_carries_its_score_and_model(live, tokenizer):
    [reply] = live("run-7", prefix="▁네").answer([tokenizer.split("안녕 친구")])
    assert (reply.text, reply.source, reply.score, reply.model) == ("네 안녕 친구", "neural", 0.9, "run-7")


def test_unknown_tokens_are_spelt_for_the_vocabulary_of_the_model(live, tokenizer):
    model = live(src_vocab=frozenset({"▁안녕", "▁", "친", "구"}))
    model.answer([tokenizer.split("안녕 친구")])
    assert model._translator.batches == [[("▁안녕", "▁", "친", "구")]]


def test_a_token_with_a_syllable_that_is_unknown_too_stays_one_unknown_token(live, tokenizer):
    model = live(src_vocab=frozenset({"▁안녕", "▁", "친"}))
    model.answer([tokenizer.split("안녕 친구")])
    assert model._translator.batches == [[("▁안녕", "▁친구")]]


@pytest.mark.parametrize("tokens", [(), ("▁",), ("▁안녕", "<unk>")])
def test_an_empty_or_unknown_hypothesis_falls_back(live, tokenizer, hypothesis, tokens):
    asked = tokenizer.split("안녕")
    model = live(src_vocab=frozenset(asked), answers={tuple(asked): [hypothesis(tokens, 0.8)]})
    [reply] = model.answer([asked])
    assert reply.source == "fallback"
    assert reply.text in UNKNOWN
    assert reply.score == 0.0


def test_silence_is_answered_without_the_engine(live):
    model = live()
    [reply] = model.answer([[]])
    assert reply.source == "fallback"
    assert reply.text in UNHEARD
    assert model._translator.batches == []


def test_answers_stay_with_their_questions_when_some_are_silent(live, tokenizer):
    replies = live(src_vocab=frozenset({"▁가", "▁나"})).answer([["▁가"], [], ["▁나"]])
    assert [reply.source for reply in replies] == ["neural", "fallback", "neural"]
    assert [replies[0].text, replies[2].text] == ["네 가", "네 나"]


def test_the_fallback_varies():
    fallback = Fallback(UNKNOWN)
    said = [fallback.sentence() for _ in range(2 * len(UNKNOWN))]
    assert set(said) == set(UNKNOWN)
    assert all(one != next_ for one, next_ in itertools.pairwise(said))


@pytest.mark.parametrize("sentence", [*UNKNOWN, *UNHEARD])
def test_a_fallback_sentence_is_one_line(sentence):
    assert sentence.splitlines() == [sentence]
