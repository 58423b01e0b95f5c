"""What people type when they mean the same question: a generator for augmentation and for measuring.

Every kind of noise has two families that share no form: TRAINING, for copies that a model learns from, and
EVALUATION, for copies that it is measured on. Marks, letters and their directions are divided between the two, and
besides a hash of the finished form decides to which family it may belong; so a form that one family gives, of
whatever text and by whatever kind, the other gives of none. This module knows Korean spelling and keys, no model.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import TypeVar

from core.text.endings import switch_ending
from core.text.jamo import FINALS, INITIALS, MEDIALS, compose, decompose, is_syllable
from core.text.keyboard import ROWS, to_latin
from core.text.normalise import normalise


class Kind(StrEnum):
    """A way in which a question differs from what was learned."""

    NO_SPACES = "no_spaces"  # 오늘뭐해
    FEWER_SPACES = "fewer_spaces"  # some of several missing
    EXTRA_SPACES = "extra_spaces"  # 오 늘 뭐해
    EMOTION = "emotion"  # ㅋㅋ ㅠㅠ !! … ~ at the end
    PUNCTUATION = "punctuation"  # dropped, or a question mark too many
    ENDING = "ending"  # 좋아 for 좋아요 and the other way round
    WRONG_JAMO = "wrong_jamo"  # one letter of one syllable
    ENGLISH_LAYOUT = "english_layout"  # dkssud


class Family(StrEnum):
    """Who may use a form."""

    TRAINING = "training"
    EVALUATION = "evaluation"


def family_of(form: str) -> Family:
    """The only family that may give this normalised `form`: a hash of it decides, for ever and on every machine."""
    odd = hashlib.blake2b(form.encode(), digest_size=1, person=b"noise").digest()[0] & 1
    return Family.EVALUATION if odd else Family.TRAINING


def noisy(text: str, kind: Kind, family: Family, rng: random.Random) -> str | None:
    """A form of `text` with `kind` of noise, normalised; None where the kind does not apply or gives none in `family`.

    It is never empty, never the normalised `text` itself, and depends on the arguments and the state of `rng` alone.
    A kind that knows one form only, as NO_SPACES does, gives it to one of the families.
    """
    return _noisy(normalise(text), kind, family, rng)


def variants(text: str, family: Family, rng: random.Random, kinds: Iterable[Kind] = tuple(Kind)) -> dict[Kind, str]:
    """One form of `text` for each of `kinds` that applies. A form may be another trained question: look before use."""
    clean = normalise(text)
    forms = ((kind, _noisy(clean, kind, family, rng)) for kind in kinds)
    return {kind: form for kind, form in forms if form is not None}


def _noisy(clean: str, kind: Kind, family: Family, rng: random.Random) -> str | None:
    for form in _MAKERS[kind](clean, family, rng):
        form = normalise(form)
        if form and form != clean and family_of(form) is family:
            return form
    return None


_T = TypeVar("_T")
_Maker = Callable[[str, Family, random.Random], Iterator[str]]


def _shuffled(items: Sequence[_T], rng: random.Random) -> list[_T]:
    return rng.sample(items, len(items))


def _no_spaces(text: str, _family: Family, _rng: random.Random) -> Iterator[str]:
    yield text.replace(" ", "")


def _fewer_spaces(text: str, _family: Family, rng: random.Random) -> Iterator[str]:
    words = text.split(" ")
    for dropped in _shuffled(range(1, len(words)), rng):
        kept = {at for at in range(1, len(words)) if at != dropped and rng.random() < 0.5}
        if kept:
            yield "".join(f" {word}" if at in kept else word for at, word in enumerate(words))


def _extra_spaces(text: str, _family: Family, rng: random.Random) -> Iterator[str]:
    places = [at for at in range(1, len(text)) if is_syllable(text[at - 1]) and is_syllable(text[at])]
    for at in _shuffled(places, rng):
        yield f"{text[:at]} {text[at:]}"


_EMOTIONS = {
    Family.TRAINING: ("ㅎㅎ", "ㅎ", "ㅜㅜ", "ㅠ", "ㅋ", "ㅋㅎ", "ㄷㄷ", "!", "~~", "^^", ";", ".."),
    Family.EVALUATION: ("ㅋㅋ", "ㅋㅋㅎㅎ", "ㅠㅠ", "ㅜ", "ㅠㅜ", "ㅋㅋㅠㅠ", "!!", "~", "^_^", ";;", "…", "..."),
}
_PUNCTUATION = {Family.TRAINING: (".", "?!", "!?", "?.."), Family.EVALUATION: ("?", "??", "?~", "~?")}
_FEELING = "ㄱㄷㅇㅋㅎㅠㅜ.…~!;^ "
_MARKS = ".,?!~…;^ "
_LOOSE_MARKS = re.compile(r"[.,?!…](?!\d)")  # 3.5 and 1,000 keep theirs


def _emotion(text: str, family: Family, rng: random.Random) -> Iterator[str]:
    """Letters and marks of feeling, in place of any that are there; they stand apart or not, marks never do."""
    words = text.rstrip(_FEELING)
    for mark in _shuffled(_EMOTIONS[family], rng) if words else ():
        apart = " " if mark[0] in "ㅋㅎㅠㅜㄷㅇ^" and rng.random() < 0.5 else ""
        yield words + apart + mark


def _punctuation(text: str, family: Family, rng: random.Random) -> Iterator[str]:
    """Marks dropped at the end or everywhere, or a mark put where none or another was."""
    words = text.rstrip(_MARKS)
    without = [words, _LOOSE_MARKS.sub("", text)]
    added = [words + mark for mark in _PUNCTUATION[family]] if words else []
    yield from _shuffled(without, rng) if words != text and rng.random() < 0.5 else ()
    yield from _shuffled(added, rng)
    yield from _shuffled(without, rng)


def _ending(text: str, _family: Family, rng: random.Random) -> Iterator[str]:
    yield from _shuffled(switch_ending(text), rng)


def _english_layout(text: str, _family: Family, _rng: random.Random) -> Iterator[str]:
    yield to_latin(text)


# One letter for another, by family and by its place in the syllable: initial, medial, final. TRAINING slips to the key
# on the right and doubles letters, EVALUATION slips to the left and fails to double; sounds that are spelt wrong and
# finals that are left out are divided between them. No letter becomes another in both.
_SLIPS = [(left, right) for row in ROWS for left, right in pairwise(row) if (left in INITIALS) == (right in INITIALS)]
_DOUBLED = list(zip("ㄱㄷㅂㅅㅈ", "ㄲㄸㅃㅆㅉ", strict=True))
_OTHER_WAY = [(right, left) for left, right in _SLIPS + _DOUBLED]
_SPELT = {
    Family.TRAINING: "ㅚㅙ ㅢㅣ ㅖㅔ ㅞㅙ ㅘㅗ ㅟㅜ ㅒㅖ",
    Family.EVALUATION: "ㅙㅚ ㅢㅔ ㅙㅞ ㅝㅜ ㅘㅏ ㅟㅣ ㅒㅐ ㅔㅖ",
}
_LEFT_OUT = {  # a pair is a cluster and what is left of it, a letter alone is missing altogether
    Family.TRAINING: "ㄱ ㄹ ㅂ ㅇ ㄷ ㅌ ㅋ ㄲ ㅀㄹ ㄵㄴ ㄺㄱ ㄻㅁ ㄼㄹ ㄾㄹ ㄿㅍ ㄳㄱ ㄽㄹ",
    Family.EVALUATION: "ㄴ ㅁ ㅅ ㅆ ㅈ ㅊ ㅎ ㅍ ㄶㄴ ㅄㅂ ㄺㄹ ㄻㄹ ㄼㅂ",
}
_Wrong = dict[str, list[str]]  # a letter, and what it may become


def _wrong(pairs: Iterable[tuple[str, str]], place: Iterable[str]) -> _Wrong:
    """The `pairs` of letters that can both stand in a place of the syllable."""
    fits = set(place)
    table: _Wrong = {}
    for letter, other in pairs:
        if letter in fits and other in fits:
            table.setdefault(letter, []).append(other)
    return table


def _wrong_letters(family: Family) -> tuple[_Wrong, _Wrong, _Wrong]:
    typed = _SLIPS + _DOUBLED if family is Family.TRAINING else _OTHER_WAY
    spelt = [(pair[0], pair[1]) for pair in _SPELT[family].split()]
    left_out = [(pair[0], pair[1:]) for pair in _LEFT_OUT[family].split()]
    return _wrong(typed, INITIALS), _wrong(typed + spelt, MEDIALS), _wrong(typed + left_out, FINALS)


_WRONG_LETTERS = {family: _wrong_letters(family) for family in Family}


def _wrong_jamo(text: str, family: Family, rng: random.Random) -> Iterator[str]:
    tables = _WRONG_LETTERS[family]
    for at in _shuffled([at for at, character in enumerate(text) if is_syllable(character)], rng):
        letters = decompose(text[at])
        edits = [(place, other) for place in range(3) for other in tables[place].get(letters[place], ())]
        for place, other in _shuffled(edits, rng):
            changed = (*letters[:place], other, *letters[place + 1 :])
            yield text[:at] + compose(*changed) + text[at + 1 :]


_MAKERS: dict[Kind, _Maker] = {
    Kind.NO_SPACES: _no_spaces,
    Kind.FEWER_SPACES: _fewer_spaces,
    Kind.EXTRA_SPACES: _extra_spaces,
    Kind.EMOTION: _emotion,
    Kind.PUNCTUATION: _punctuation,
    Kind.ENDING: _ending,
    Kind.WRONG_JAMO: _wrong_jamo,
    Kind.ENGLISH_LAYOUT: _english_layout,
}
