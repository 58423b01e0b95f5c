"""When two questions are one in hardly other words."""

import pytest

from core.memory.alike import ALIKE, forms, is_alike, is_slip
from core.memory.features import Spelling
from core.text import question_key


def slip(one, other):
    return is_slip(Spelling.of(one), Spelling.of(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [("배고파", "배거파"), ("배고파", "배고ㅏ"), ("뭐 해?", "머 해"), ("밥 먹었어", "밥 먹엇어"), ("안녕", "안녕")],
)
def test_one_wrong_letter_is_a_slip_whoever_makes_it(one, other):
    assert slip(one, other) and slip(other, one)


@pytest.mark.parametrize(
    ("one", "other"), [("배고파", "배거퍼"), ("배고파", "배불러"), ("3일 됐어", "4일 됐어"), ("왜", "외"), ("", "아")]
)
def test_two_letters_another_number_and_another_word_are_none(one, other):
    assert not slip(one, other) and not slip(other, one)


def test_what_is_similar_enough_is_alike_without_a_slip():
    one, other = Spelling.of("오늘 뭐 해?"), Spelling.of("오늘은 뭐 하니?")
    assert is_alike(one, other, ALIKE)
    assert not is_alike(one, other, ALIKE - 0.01)
    assert is_alike(one, Spelling.of("오늘 머 해?"), 0.0)


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        ("배고파요", "배고파"),
        ("배고파", "배고파요"),
        ("이름이 뭐예요ㅋㅋ", "이름이 뭐야?"),
        ("거지됐어ㄷㄷ", "거지됐어"),
    ],
)
def test_a_question_is_known_under_its_other_ending_and_without_letters_that_say_nothing(asked, known):
    own, *others = forms(asked)
    assert own == question_key(asked)
    assert question_key(known) in others


def test_what_has_one_form_alone_is_known_under_its_own_key():
    assert forms("ㅋㅋ") == (question_key("ㅋㅋ"),)
    assert forms("사과 한 개") == (question_key("사과 한 개"),)
