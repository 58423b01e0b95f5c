"""One spelling for each text: the form in which questions are compared, and everything is learned.

It knows Unicode and Korean chat spelling; it knows no words.
"""

from __future__ import annotations

import re
import unicodedata

WORD_MARK = "\u2581"  # ▁, which tokens use to say "a word starts here": no text may hold it

# The blocks of arrows, symbols and emoji, with the signs that change an emoji. Only between two of these does a
# zero-width joiner mean something in a Korean text (👨‍👩‍👧). The blocks are closed under NFC (U+2329 and U+232A,
# which are not, are left out), or normalising twice could drop more than normalising once.
_EMOJI = "\u2190-\u21ff\u2300-\u2328\u232b-\u27bf\u2b00-\u2bff\ufe0f\u20e3\U0001f000-\U0001faff"
_STRAY_JOINER = re.compile(f"(?<![{_EMOJI}])\u200d|\u200d(?![{_EMOJI}])")

# Repeating a letter or a mark gives it weight, but ㅋㅋㅋㅋ and ㅋㅋㅋㅋㅋㅋㅋ are not two words. Two of them are
# what people write when they mean the word itself (ㅋㅋ, ㅠㅠ, ㅎㅎ, ㅇㅇ, ㄷㄷ, !!, ~~, ^^), so a longer run
# becomes two; a single one stays, for a lone ㅋ is dry where ㅋㅋ laughs. Dots and commas keep three, the
# ellipsis. No other character is touched: 1000 and 하하하 are what they are.
_LONG_RUN = re.compile(r"([\u3131-\u318e!?~;^♡♥…！？～])\1{2,}")
_LONG_DOTS = re.compile(r"([.,·])\1{3,}")

_SPACE_LIKE = "\u3164\uffa0\u2800"  # Hangul fillers, sent as an "empty" message, and the blank Braille cell
_JAMO_FILLERS = "\u115f\u1160"  # hold the place of a missing letter between conjoining jamo; they show nothing


class _Replacements(dict[int, str]):
    """For `str.translate`: what a character becomes, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        self[code] = replacement = _replacement(chr(code))
        return replacement


def _replacement(character: str) -> str:
    if character.isspace() or character in _SPACE_LIKE:
        return " "
    if character == WORD_MARK:
        return "_"
    if character == "\u200d":  # judged by its neighbours
        return character
    if character in _JAMO_FILLERS or unicodedata.category(character) in ("Cc", "Cf", "Cs"):
        return ""
    return character


_REPLACEMENTS = _Replacements()


def normalise(text: str) -> str:
    """The one form of `text`; `normalise(normalise(text)) == normalise(text)`. May be empty.

    - Unicode NFC: 각 is one code point whether it was typed as a syllable or as three conjoining jamo.
    - Line ends, tabs, every other white space and characters that only look like it become one space; none
      is left at either end.
    - Control and format characters and lone surrogates are dropped; zero-width joiners too, but in emoji.
    - Long runs (ㅋㅋㅋㅋㅋ, ㅠㅠㅠ, !!!!, ~~~~) become two, dots and commas three.
    - ▁ (U+2581), which tokens use as a mark, becomes _.
    """
    text = _STRAY_JOINER.sub("", text.translate(_REPLACEMENTS))
    text = " ".join(unicodedata.normalize("NFC", text).split())
    return _LONG_DOTS.sub(r"\1\1\1", _LONG_RUN.sub(r"\1\1", text))
