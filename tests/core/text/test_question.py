"""The one form of a question."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text import normalise_question


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


@given(st.text(alphabet="dkssudrjgo 안녕ㅋ?!.~a", max_size=12))
def test_once_is_enough(text):
    assert normalise_question(normalise_question(text)) == normalise_question(text)
