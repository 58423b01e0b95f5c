"""Words and patterns that are blocked, however they are written."""

import pytest

from core.reply import Blocklist, ReplyError


@pytest.mark.parametrize(
    "text", ["바보", "이 바보야!!", "바.보", "바 보", "너 바 보야", "바~~보ㅋㅋ", "바\u200b보", "qkqh"]
)
def test_a_word_is_found_however_it_is_spaced_and_marked(text):
    assert Blocklist(("바보",)).blocks(text)


@pytest.mark.parametrize("text", ["안녕", "바다 보러 가자", "다시 발견했어", "나비 행성", ""])
def test_other_texts_are_not_blocked(text):
    assert not Blocklist(("바보", "시발", "비행")).blocks(text)


def test_case_does_not_matter():
    assert Blocklist(("SpAm",)).blocks("no S P A M please") is True
    assert Blocklist(patterns=("^buy",)).blocks("BUY now")


def test_a_pattern_is_looked_for_in_the_normalised_text():
    rules = Blocklist(patterns=(r"01\d-\d{4}-\d{4}",))
    assert rules.blocks("전화해  010-1234-5678")
    assert not rules.blocks("010 1234")


def test_a_word_of_marks_alone_is_found_as_it_stands():
    assert Blocklist((";;",)).blocks("뭐야;;;;")
    assert not Blocklist((";;",)).blocks("뭐야")


def test_empty_words_block_nothing():
    assert not Blocklist(("", "  ")).blocks("아무 말")


def test_a_pattern_that_is_none_is_told():
    with pytest.raises(ReplyError, match=r"'\(' is no regular expression"):
        Blocklist(patterns=("(",))
