"""When a question is another one in hardly other words, so that what is wrong for that one is wrong for it too."""

from __future__ import annotations

import re
from functools import lru_cache

from core.memory.features import Spelling
from core.text import normalise_question, question_key
from core.text.endings import switch_ending

# The least similarity of the same question in hardly other words. One wrong letter makes other morphemes of a short
# question, and leaves it far less similar than that, as another ending may: therefore the other rules.
ALIKE = 0.8

# A bound that questions as similar as that never fall below, and many others do.
_LEAST_SHARED = 1 / 3  # of the different characters of the longer question

_LEAST = 2  # characters of a question in which a wrong letter can be told from another word
_LONE_LETTERS = re.compile(r"(?<=[^\sㄱ-ㅣ])[\sㄱ-ㅣ]+$")  # ㄷㄷ and the like; ㅋㅋ and ㅠㅠ are in no key
_KEPT = 2000  # questions whose forms are remembered: each candidate answer asks for those of the same


def is_alike(one: Spelling, other: Spelling, similarity: float) -> bool:
    """Whether two questions of this `similarity`, 0 to 1, are one in hardly other words, or with a wrong letter."""
    return similarity >= ALIKE or is_slip(one, other)


def may_be_alike(one: Spelling, other: Spelling) -> bool:
    """Whether it is worth working out how similar two questions are, which takes far longer."""
    characters, others = set(one.key), set(other.key)
    enough = _LEAST_SHARED * max(len(characters), len(others))
    return len(characters & others) >= enough or is_slip(one, other)


def is_slip(one: Spelling, other: Spelling) -> bool:
    """Whether one letter (jamo) more, less or other is all that parts two questions.

    Another digit is another number, and a question of one syllable with another letter is another word.
    """
    if min(len(one.key), len(other.key)) < _LEAST:
        return False
    letters, others = one.letters, other.letters
    if abs(len(letters) - len(others)) > 1:
        return False
    start = _shared(letters, others)
    left, right = letters[start:], others[start:]
    end = _shared(left[::-1], right[::-1])
    left, right = left[: len(left) - end], right[: len(right) - end]
    return len(left) <= 1 and len(right) <= 1 and not (left + right).isdigit()


def _shared(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    return next(
        (at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), min(len(one), len(other))
    )


@lru_cache(_KEPT)
def forms(question: str) -> tuple[str, ...]:
    """The keys (`core.text.question_key`) under which a question may be known, its own first.

    The others are those of the same words in the other everyday ending (해요 for 해), and without letters that stand
    alone at the end. They are made, not looked for: they hold where only the digest of a key is left.
    """
    words = normalise_question(question)
    plain = _LONE_LETTERS.sub("", words)
    return tuple(dict.fromkeys(map(question_key, (question, plain, *switch_ending(plain)))))
