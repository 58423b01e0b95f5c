"""The one form of a question."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.text import normalise_question, question_key


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("dkssud", "안녕"),
        ("  dkssud   ㅋㅋㅋㅋ", "안녕"),
        ("hello", "hello"),
        ("오늘  뭐해", "오늘 뭐해"),
        ("뭐해?!", "뭐해?"),
        ("뭐해!?", "뭐해!?"),
        ("힘들어ㅠㅠ ...", "힘들어"),
        ("좋아해 ^_^", "좋아해"),
        ("ㅋㅋㅋㅋ", "ㅋㅋ"),
        ("ㅇㅇ!", "ㅇㅇ!"),
        ("...", "..."),
        ("", ""),
    ],
)
def test_a_question_is_what_a_person_meant_to_type(typed, meant):
    assert normalise_question(typed) == meant


@example("auaㅋ")  # mistyped without its feeling alone
@given(st.text(alphabet="dkssudrjgo 안녕ㅋ?!.~a", max_size=12))
def test_once_is_enough(text):
    assert normalise_question(normalise_question(text)) == normalise_question(text)


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("오늘 뭐 해?", "오늘뭐해"),
        ("오늘뭐해 ㅋㅋ??", "오늘뭐해"),
        ("오늘 뭐 해ㅠㅠ?!", "오늘뭐해"),
        ('"오늘", (뭐) 해…', "오늘뭐해"),
        ("dhsmf anjgo?", "오늘뭐해"),
        ("Hello,  World!", "helloworld"),
        ("3.5 더하기 1,000?", "3.5더하기1,000"),
        ("35 더하기 1000?", "35더하기1000"),
        ("C# 배울래", "c#배울래"),
        ("♥ 좋아해 ~♥", "좋아해"),
        ("ㅋㅋㅋㅋ?", "ㅋㅋ"),
        ("😀", "😀"),
        ("?!", "?"),
        (" ... ", "..."),
        ("", ""),
    ],
)
def test_spaces_marks_and_case_make_no_other_question(typed, key):
    assert question_key(typed) == key


@given(st.text())
def test_only_an_empty_question_has_no_key(text):
    assert bool(question_key(text)) == bool(normalise_question(text))
