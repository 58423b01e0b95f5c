"""Syllables and the letters they are made of: how Unicode lays out Hangul (The Unicode Standard, section 3.12).

Letters are compatibility jamo (U+3131 to U+3163), which is what keys type and what people see.
"""

from __future__ import annotations

INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
MEDIALS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
FINALS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")

# What is typed with two keys. ㄲ, ㅆ, ㅒ, ㅖ and the like are not: they have keys of their own.
COMPOUND_VOWELS = {"ㅘ": "ㅗㅏ", "ㅙ": "ㅗㅐ", "ㅚ": "ㅗㅣ", "ㅝ": "ㅜㅓ", "ㅞ": "ㅜㅔ", "ㅟ": "ㅜㅣ", "ㅢ": "ㅡㅣ"}
CONSONANT_CLUSTERS = {
    "ㄳ": "ㄱㅅ", "ㄵ": "ㄴㅈ", "ㄶ": "ㄴㅎ", "ㄺ": "ㄹㄱ", "ㄻ": "ㄹㅁ", "ㄼ": "ㄹㅂ",
    "ㄽ": "ㄹㅅ", "ㄾ": "ㄹㅌ", "ㄿ": "ㄹㅍ", "ㅀ": "ㄹㅎ", "ㅄ": "ㅂㅅ",
}  # fmt: skip

_FIRST, _LAST = 0xAC00, 0xD7A3
_INITIAL_INDEX = {jamo: index for index, jamo in enumerate(INITIALS)}
_MEDIAL_INDEX = {jamo: index for index, jamo in enumerate(MEDIALS)}
_FINAL_INDEX = {jamo: index for index, jamo in enumerate(FINALS)}


def is_syllable(character: str) -> bool:
    """Whether `character` is one whole Hangul syllable, 가 to 힣."""
    return len(character) == 1 and "가" <= character <= "힣"


def decompose(syllable: str) -> tuple[str, str, str]:
    """Initial, medial and final of a syllable, the final empty where it has none. Raises `ValueError` for others."""
    code = ord(syllable)
    if not _FIRST <= code <= _LAST:
        raise ValueError(f"{syllable!r} is no Hangul syllable")
    rest, final = divmod(code - _FIRST, len(FINALS))
    initial, medial = divmod(rest, len(MEDIALS))
    return INITIALS[initial], MEDIALS[medial], FINALS[final]


def compose(initial: str, medial: str, final: str = "") -> str:
    """The syllable of three letters. Raises `KeyError` for a letter that can't stand in its place, as ㄸ at the end."""
    leading = _INITIAL_INDEX[initial] * len(MEDIALS) + _MEDIAL_INDEX[medial]
    return chr(_FIRST + leading * len(FINALS) + _FINAL_INDEX[final])
