import pytest

from core.text.jamo import FINALS, INITIALS, MEDIALS, compose, decompose, is_syllable


def test_every_syllable_is_composed_of_its_letters():
    syllables = [compose(i, m, f) for i in INITIALS for m in MEDIALS for f in FINALS]
    assert syllables == [chr(code) for code in range(0xAC00, 0xD7A4)]
    assert all(compose(*decompose(syllable)) == syllable for syllable in syllables)


@pytest.mark.parametrize(
    ("syllable", "letters"),
    [("가", ("ㄱ", "ㅏ", "")), ("닭", ("ㄷ", "ㅏ", "ㄺ")), ("뷁", ("ㅂ", "ㅞ", "ㄺ")), ("힣", ("ㅎ", "ㅣ", "ㅎ"))],
)
def test_letters_of_a_syllable(syllable, letters):
    assert decompose(syllable) == letters


@pytest.mark.parametrize("character", ["ㄱ", "a", " ", "\u1100"])
def test_what_is_no_syllable_has_no_letters(character):
    assert not is_syllable(character)
    with pytest.raises(ValueError, match="no Hangul syllable"):
        decompose(character)


def test_a_letter_out_of_place_makes_no_syllable():
    with pytest.raises(KeyError):
        compose("ㄱ", "ㅏ", "ㄸ")
