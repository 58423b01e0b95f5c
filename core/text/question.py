"""The one form of a question: what a person meant to ask, in one spelling."""

from __future__ import annotations

import re
import unicodedata

from core.text.keyboard import mistyped
from core.text.normalise import normalise

# Laughter, tears and marks after the last word. A full stop says nothing either; a question mark does.
_FEELING = re.compile(r"(?<=[^\sㄱ-ㅣ!~^_;.…♡♥])[\sㅋㅎㅠㅜ!~^_;.…♡♥]+$")

_TELLING = "#%&@*"  # of the punctuation, what makes another word: C#, 50%, R&B
_FEELING_MARKS = "~^`♡♥"  # symbols by Unicode, marks to those who type them
_DIGIT = re.compile(r"\d")


def normalise_question(text: str) -> str:
    """`normalise(text)`, in Hangul where it was typed on the wrong layout, and without the feeling at its end.

    Questions are learned and asked in this form: dkssud is 안녕, and 안녕ㅋㅋ, 안녕!! and 안녕~ are 안녕. What is
    feeling from end to end, as ㅋㅋ or ㅠㅠ!, stays. An answer is never changed so: who writes it means it.
    """
    plain = _FEELING.sub("", normalise(text))  # first: what is left may be mistyped where the whole is not
    meant = mistyped(plain)
    return plain if meant == plain else _FEELING.sub("", normalise(meant))


def question_key(text: str) -> str:
    """What two spellings of one question have in common: two questions with one key are the same question.

    It is `normalise_question(text)` without spaces and punctuation, in one case; where nothing is left of it, as of
    "...", the normalised text itself. A mark between two digits stays: 3.5 is not 35. Empty for an empty text alone.
    """
    return normalised_key(normalise_question(text))


def normalised_key(normalised: str) -> str:
    """`question_key` of what `normalise_question` gave."""
    if _DIGIT.search(normalised):
        words = "".join(
            character if _is_between_digits(normalised, at) else character.translate(_UNMARKED)
            for at, character in enumerate(normalised)
        )
    else:
        words = normalised.translate(_UNMARKED)
    return _FEELING.sub("", words).casefold() or normalised


class _Unmarked(dict[int, str]):
    """For `str.translate`: nothing for a mark or a space, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        self[code] = kept = "" if _is_mark(character) else character
        return kept


_UNMARKED = _Unmarked()


def _is_mark(character: str) -> bool:
    if character in _TELLING:
        return False
    return character in _FEELING_MARKS or unicodedata.category(character)[0] in "PZ"


def _is_between_digits(text: str, at: int) -> bool:
    return 0 < at < len(text) - 1 and text[at] != " " and text[at - 1].isdigit() and text[at + 1].isdigit()
