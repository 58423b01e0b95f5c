"""Hangul typed while the keyboard was set to English, and back: the two-set layout (두벌식, KS X 5002).

A person who forgets the 한/영 key types 안녕 as dkssud. This module knows keys, how the letters that they type become
syllables, and how likely a row of keys is in either language; it knows no morphemes and no corpus.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import NamedTuple

from core.text.jamo import (
    COMPOUND_VOWELS,
    CONSONANT_CLUSTERS,
    FINALS,
    INITIALS,
    MEDIALS,
    compose,
    decompose,
    is_syllable,
)

ROWS = ("ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔ", "ㅁㄴㅇㄹㅎㅗㅓㅏㅣ", "ㅋㅌㅊㅍㅠㅜㅡ")  # the keys as they lie, Shift not held
_LATIN_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_KEYS = dict(zip("".join(ROWS), "".join(_LATIN_ROWS), strict=True)) | dict(
    zip("ㅃㅉㄸㄲㅆㅒㅖ", "QWERTOP", strict=True)
)
_JAMO = {key.upper(): jamo for jamo, key in _KEYS.items() if key.islower()} | {key: jamo for jamo, key in _KEYS.items()}

# What an input method does with a row of letters: two vowels become one where they can, a consonant belongs to the
# syllable before it unless a vowel follows, and of a cluster before a vowel the second half goes to that vowel.
_TOGETHER = {parts: jamo for jamo, parts in (COMPOUND_VOWELS | CONSONANT_CLUSTERS).items()}
_SYLLABLE = re.compile(
    f"([{INITIALS}])({'|'.join(COMPOUND_VOWELS.values())}|[{MEDIALS}])"
    f"((?:{'|'.join(CONSONANT_CLUSTERS.values())}|[{''.join(FINALS)}])(?![{MEDIALS}]))?"
)
_LATIN = re.compile("[A-Za-z]+")


class _Keystrokes(dict[int, str]):
    """For `str.translate`: the keys of a character, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        self[code] = keys = _keystrokes(chr(code))
        return keys


def _keystrokes(character: str) -> str:
    letters = decompose(character) if is_syllable(character) else (character,)
    parts = "".join(COMPOUND_VOWELS.get(letter) or CONSONANT_CLUSTERS.get(letter, letter) for letter in letters)
    return "".join(_KEYS.get(part, part) for part in parts)


_KEYSTROKES = _Keystrokes()


def to_latin(text: str) -> str:
    """`text` as it comes out when it is typed with the keyboard set to English; 안녕 gives dkssud.

    What is no Hangul stays as it is.
    """
    return unicodedata.normalize("NFC", text).translate(_KEYSTROKES)


def to_hangul(text: str) -> str:
    """`text` as it comes out when its Latin letters are typed with the keyboard set to Hangul; dkssud gives 안녕.

    Letters that make no syllable stay single, as in ㅋㅋ; what is no Latin letter stays as it is. `to_hangul` undoes
    `to_latin` for whole syllables that no single letter follows: 가 and ㅋㅋ in one word are typed as 갘 and ㅋ.
    """
    return _LATIN.sub(_typed, text)


def _typed(keys: re.Match[str]) -> str:
    return _SYLLABLE.sub(_syllable, "".join(_JAMO[key] for key in keys[0]))


def _syllable(letters: re.Match[str]) -> str:
    return compose(*(_TOGETHER.get(part, part) for part in letters.groups(default="")))


# How much likelier a key is after another where Korean is typed than where English is, from naive Bayes over pairs of
# keys: a row for the key before, ^ where a word starts; a column for a to z, then the end of the word; n is 0, and each
# letter further on or back is half a nat. Counted, adding one, in every other question of ChatbotData and the 20,000
# most frequent Korean words for the one side, in every other of the 57,000 most frequent English words that are plain
# letters for the other (both lists are wordfreq's), a word for its rank.
_ODDS = {
    "^": "nblpolobbbbbbbbbtpmpboptcrn",
    "a": "qhkorlmrdtsmgnsmrkjkqmpniip",
    "b": "lhqtkwvkekpeklenxnprfrvwhtr",
    "c": "emfofjjmezprsxkunhjfnmmpilk",
    "d": "jqoohopskuwrsskstnjrompqpql",
    "e": "bkfifejvevwmqlsqjfgbjdheehh",
    "f": "jpovjntuguxosqjsvmkmmusslqp",
    "g": "bpotgjgpjvzoqoqtljjinnnlllh",
    "h": "jfpviuugbjwrdejhvprnbsqubto",
    "i": "ligrlmomnnjfgcehpqjjkixmnjs",
    "j": "khmujtsfbghghfbetsttbpspfoq",
    "k": "ndsuitqbbgdbdbbdwrprbsqtbsn",
    "l": "meppktqgbjebdgbezvqpbotxbup",
    "m": "lbkuhwnibklsbfbbxrrrbrpweuo",
    "n": "mgkoksjgbvdshdbpstolemssfnn",
    "o": "pemrqpogejebbbccwnopbmnognq",
    "p": "jhnvjuqcbljbgibcwlopcrsuftr",
    "q": "jloqporvfuwrrvrpmrpthjrnklq",
    "r": "hkjngmoubysqpqkrrmjmolrrlln",
    "s": "llltnqulhvspqommqukklprvhrn",
    "t": "gnhvjfqnfzzsutmttimklmpqikm",
    "u": "lckrkslicjgbbbgcvmpnklwnhjq",
    "v": "fqjvgkkwbvzuywltqlnqslqmqmn",
    "w": "bimncfonbyvsrpltljiisilkmki",
    "x": "fnctgikrbuwrvuomnnpfhhrffki",
    "y": "kintkrtmgongggggtqjpirrsmon",
    "z": "cqkmbmksewvrutmtkkkkokjkjeg",
}
_LETTERS = "abcdefghijklmnopqrstuvwxyz"

# In half nats. Chosen on the words and questions that _ODDS was not counted in: at 2, 16 of the 5,000 most frequent
# English words pass alone and 4 of 5,424 questions do not; at 4 it is 11 and 6, at 0 it is 29 and 3. The list below
# stops those 16 and the like.
_SURE = 2
_MOST_CONTEXT = 12  # the other words of a text can tip a doubtful word, not make Hangul of WiFi
_FOREIGN = -6  # a word that is no Hangul on either layout
_KNOWN = -4  # an English word that could be Hangul, where nothing around it says so
_HANGUL_WORD = -4  # who types Hangul as Hangul has the right layout
_SHIFT_INSIDE = 6  # goTdj: nobody writes English so

# English that is typed in Korean chats and would pass: shorter words never pass alone, others by their odds.
_ENGLISH_WORDS = """
    aka also andy audi aus auth auto cjs clap clark claudia claus cms corp cps dha dhl didn didnt dirk djs dlc dna
    dns dorms ducks duffy dusk elf ems eps fps girl girls gmt goa goal goals god gogo gosh got goth gov gown gpa
    gps gpt guru gurus rna rodeo rpg rudy rufus rush ruth skt slap smackdown sms soak soap thrown thru tlc tna tnt
    todo tofu torn tornado toto town towns turk turks turns vhs vodka woah work works world worm worms worn xml
"""
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
_WORD = re.compile(r"\S+")
_NOT_TYPED_BLIND = re.compile(r"[가-힣ㄱ-ㅣ@/\\_&#]|[A-Za-z]['’][A-Za-z]")
# Laughter and tears are no part of the last syllable; an input method would make 핵ㅋ of 해ㅋㅋ. (부엌 and 녘 have ㅋ.)
_EMOTION = re.compile(r"(?:(?<!qndj)(?<!su)z+|zz+|gg+|bb+|nn+|(?<=[yuiophjklnm])b+)$")
_ONLY_EMOTION = re.compile(r"(.)\1+|[bgnz]")


def mistyped(text: str) -> str:
    """The Hangul of what was evidently typed with the keyboard set to English; any other text as it is.

    A word is converted when its letters make nothing but whole syllables, laughter or tears at its end aside, and
    are likelier to be Korean than English; the other words of the text count for the doubtful. Digits and
    punctuation stay, and so do English words between others.

    Example: "dkssud? wifi dks ehoTdj" gives "안녕? wifi 안 됐어"; "hello", "ok" and "work" stay.
    """
    if not _LATIN.search(text):
        return text
    words = [_Word.of(word) for word in _WORD.findall(text)]
    total = sum(word.weight for word in words)
    found = iter(words)

    def decide(_: re.Match[str]) -> str:
        word = next(found)
        context = max(-_MOST_CONTEXT, min(_MOST_CONTEXT, total - word.weight))
        return word.hangul if word.hangul and word.weight + context > _SURE else word.text

    return _WORD.sub(decide, text)


class _Word(NamedTuple):
    """A word as typed, what it is as Hangul (None where it is none), and how much speaks for that, in half nats."""

    text: str
    hangul: str | None
    weight: int

    @classmethod
    def of(cls, text: str) -> _Word:
        runs = _LATIN.findall(text)
        if not runs:
            return cls(text, None, _HANGUL_WORD if any(map(is_syllable, text)) else 0)
        if text.isupper() or _NOT_TYPED_BLIND.search(text):
            return cls(text, None, _FOREIGN)
        parts = [_without_emotion(run) for run in runs]
        if not all(map(is_syllable, to_hangul("".join(head for head, _ in parts)))):
            return cls(text, None, _FOREIGN)
        hangul = _LATIN.sub(lambda run: "".join(map(to_hangul, _without_emotion(run[0]))), text)
        return cls(text, hangul, sum(_weight(head) for head, _ in parts))


def _without_emotion(run: str) -> tuple[str, str]:
    """A row of keys without the laughter or tears that end it, and these: zz, bb and dd are nothing else."""
    if _ONLY_EMOTION.fullmatch(run):
        return "", run
    emotion = _EMOTION.search(run)
    return (run[: emotion.start()], emotion[0]) if emotion else (run, "")


def _weight(keys: str) -> int:
    """How much speaks for a row of keys having been meant as Hangul, in half nats."""
    lower = keys.lower()
    odds = sum(ord(_ODDS[a][_LETTERS.find(b)]) - ord("n") for a, b in pairwise(f"^{lower}$")) if keys else 0
    if any(key in "QWERTOP" for key in keys[1:]):
        odds += _SHIFT_INSIDE
    if lower in _ENGLISH:
        return min(odds, _KNOWN)
    return odds if len(keys) > 2 else min(odds, 0)
