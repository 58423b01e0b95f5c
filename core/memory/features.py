"""What questions are compared by: their spellings, and three sets of features made of these."""

from __future__ import annotations

from typing import NamedTuple

from core.text import Tokenizer, normalise_question, normalised_key
from core.text.jamo import decompose, is_syllable

_COMPARED = 200  # characters of a question: what comes after tells no more, and costs time
_PIECE = 2  # characters of a run, beside single ones
_LETTERS = 3  # jamo of a run: about a syllable


class Spelling(NamedTuple):
    """The two spellings of a question that all its features are made of.

    Attributes:
        words: normalised, in one case.
        key: the same without spaces and marks, see `core.text.question_key`.
    """

    words: str
    key: str

    @classmethod
    def of(cls, question: str) -> Spelling:
        """The spellings of `question`, as it was typed."""
        words = normalise_question(question)
        return cls(words.casefold(), normalised_key(words))

    @property
    def searched(self) -> tuple[str, str]:
        """Both spellings with their ends marked: the texts that an index takes runs of characters of."""
        return f" {self.words[:_COMPARED]} ", f"^{self.key[:_COMPARED]}$"

    @property
    def letters(self) -> str:
        """The key in jamo, as far as it is compared."""
        return self.key[:_COMPARED].translate(_JAMO)


class Features(NamedTuple):
    """A question in three ways, each a set.

    Attributes:
        stems: what it is about, whatever the endings are (`Tokenizer.stems`).
        pieces: runs of one and two characters in the whole without its spaces, its ends marked.
        letters: runs of jamo in the same: one wrong letter spoils few of them.
    """

    stems: frozenset[str]
    pieces: frozenset[str]
    letters: frozenset[str]

    @classmethod
    def of(cls, spelling: Spelling, tokenizer: Tokenizer) -> Features:
        """The features of a question."""
        key = spelling.key[:_COMPARED]
        return cls(
            stems=frozenset(tokenizer.stems(spelling.words[:_COMPARED].strip())),
            pieces=frozenset([*key, *runs(f"^{key}$", _PIECE)]),
            letters=frozenset(runs(f"^{spelling.letters}$", _LETTERS)),
        )


def runs(text: str, size: int) -> list[str]:
    """All runs of `size` characters in `text`, in order."""
    return [text[at : at + size] for at in range(len(text) - size + 1)]


class _Jamo(dict[int, str]):
    """For `str.translate`: the letters of a syllable, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        self[code] = letters = "".join(decompose(character)) if is_syllable(character) else character
        return letters


_JAMO = _Jamo()
