"""Words and patterns that Jaram neither listens to nor says. It knows no database: whoever edits them makes another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from core.reply.errors import ReplyError
from core.text import normalise, normalise_question


class Blocklist:
    """Tells whether a text is blocked. It never changes, so threads may share it::

        Blocklist(("바보",)).blocks("이 바.보야!!")  # True

    A word is found however it is spaced and marked, in either case, and typed on the wrong layout. Across a space it
    is found from the start of a word on alone: 바 보야 holds 바보, but 나비 행성 does not hold 비행.

    Args:
        words: each is looked for as such; one of nothing but marks and spaces as it stands.
        patterns: regular expressions, looked for in the normalised text, in either case.

    Raises `ReplyError` for a pattern that is none.
    """

    def __init__(self, words: tuple[str, ...] = (), patterns: tuple[str, ...] = ()) -> None:
        squeezed = {word: _Squeezed.of(normalise(word)).letters for word in words if normalise(word)}
        self._words = tuple(dict.fromkeys(filter(None, squeezed.values())))
        self._marks = tuple(normalise(word) for word, letters in squeezed.items() if not letters)
        self._patterns = tuple(map(_compile, patterns))

    def blocks(self, text: str) -> bool:
        """Whether `text` holds a word or a pattern of the list."""
        if not (self._words or self._marks or self._patterns):
            return False
        forms = dict.fromkeys((normalise(text), normalise_question(text)))
        return any(self._finds(form) for form in forms)

    def _finds(self, text: str) -> bool:
        squeezed = _Squeezed.of(text)
        return (
            any(squeezed.holds(word) for word in self._words)
            or any(mark in text for mark in self._marks)
            or any(pattern.search(text) for pattern in self._patterns)
        )


class _Squeezed(NamedTuple):
    """A text's letters and digits in one case; `words` has the number of the word that each stands in."""

    letters: str
    words: tuple[int, ...]

    @classmethod
    def of(cls, text: str) -> _Squeezed:
        found = [
            (letter, number)
            for number, word in enumerate(text.split(" "))
            for letter in word.casefold()
            if letter.isalnum()
        ]
        return cls("".join(letter for letter, _ in found), tuple(number for _, number in found))

    def holds(self, word: str) -> bool:
        """Whether `word` is in one word of the text, or in several from the start of the first on."""
        ends = len(word) - 1
        return any(
            self.words[at] == self.words[at + ends] or at == 0 or self.words[at - 1] != self.words[at]
            for at in self._places(word)
        )

    def _places(self, word: str) -> Iterator[int]:
        at = self.letters.find(word)
        while at >= 0:
            yield at
            at = self.letters.find(word, at + 1)


def _compile(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise ReplyError(f"the blocked pattern {pattern!r} is no regular expression: {error}: correct it") from error
