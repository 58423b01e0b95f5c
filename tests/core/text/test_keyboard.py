import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.text.keyboard import mistyped, to_hangul, to_latin

SYLLABLES = st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3)


@pytest.mark.parametrize(
    ("hangul", "latin"),
    [
        ("안녕", "dkssud"),
        ("닭이 달기 다리", "ekfrdl ekfrl ekfl"),
        ("값이 없어", "rkqtdl djqtdj"),
        ("앉아 않아 아나", "dkswdk dksgdk dksk"),
        ("왜 의자 쇠 뷁", "dho dmlwk thl qnpfr"),
        ("됐어 꿨어 까까 아빠", "ehoTdj RnjTdj RkRk dkQk"),
        ("얘 예 쟤", "dO dP wO"),
        ("ㅋㅋ ㅠㅠ ㅇㅇ", "zz bb dd"),
        ("3시 반? TV!", "3tl qks? TV!"),
    ],
)
def test_keys_of_hangul(hangul, latin):
    assert to_latin(hangul) == latin
    assert to_hangul(latin.replace("TV", "")) == hangul.replace("TV", "")


@settings(deadline=None, max_examples=60)
@given(st.text(st.one_of(SYLLABLES, st.sampled_from(" .?!12")), max_size=30))
def test_typing_syllables_on_the_wrong_layout_loses_nothing(text):
    assert to_hangul(to_latin(text)) == text


def test_every_syllable_comes_back():
    syllables = "".join(map(chr, range(0xAC00, 0xD7A4)))
    assert to_hangul(to_latin(syllables)) == syllables


def test_shift_counts_only_where_the_key_has_a_second_letter():
    assert to_hangul("DKSSUD rK RK") == "안녕 가 까"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("dkssud", "안녕"),
        ("Dkssud", "안녕"),
        ("dho?", "왜?"),
        ("dksehlwl... 3qns", "안되지... 3분"),
        ("wjs wifi rk dks ehoTdj!", "전 wifi 가 안 됐어!"),
        ("오늘 anjgo", "오늘 뭐해"),
        ("anjgozz", "뭐해ㅋㅋ"),
        ("tlfgdj bb", "싫어 ㅠㅠ"),
        ("djqtdjb", "없어ㅠ"),
        ("qndjz", "부엌"),
    ],
)
def test_what_was_typed_on_the_wrong_layout_is_turned(typed, meant):
    assert mistyped(typed) == meant


@pytest.mark.parametrize(
    "text",
    [
        "", "안녕", "ㅋㅋ", "hello", "ok", "wifi", "bts", "sns", "SNS 봤어?", "sns를 봤어", "work", "god", "zzz", "gg",
        "so so", "to go", "i love you", "gpt 써봤어?", "dm 보내", "www.naver.com", "mp3", "TV", "don't", "pc방 가자",
    ],
)  # fmt: skip
def test_other_text_stays(text):
    assert mistyped(text) == text
