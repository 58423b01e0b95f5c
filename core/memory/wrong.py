"""Which answers are wrong for which questions."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable
from functools import lru_cache

from core.text import normalise, question_key


def digest(key: str) -> str:
    """What is kept of a `question_key` whose text is deleted: its SHA-256, in hexadecimal digits."""
    return hashlib.sha256(key.encode()).hexdigest()


# What is the same in two spellings of an answer. The same few are asked about again and again.
_form = lru_cache(5000)(question_key)


class WrongAnswers:
    """Answers marked wrong, by the key of their question; each as often as rows say so."""

    def __init__(self) -> None:
        self._marked: dict[str, Counter[str]] = {}
        self._kept: frozenset[tuple[str, str]] = frozenset()
        self._kept_questions: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self._marked or self._kept)

    def __contains__(self, key: str) -> bool:
        """Whether some row marks an answer as wrong for the question with this `key`."""
        return key in self._marked

    def add(self, key: str, answers: Collection[str]) -> None:
        """Mark `answers` as wrong for the question with this `key`."""
        if answers:
            self._marked.setdefault(key, Counter()).update(map(normalise, answers))

    def remove(self, key: str, answers: Collection[str]) -> None:
        """Take back what `add` marked."""
        if not answers:
            return
        left = self._marked[key] - Counter(map(normalise, answers))
        if left:
            self._marked[key] = left
        else:
            del self._marked[key]

    def keep(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Hold the marks of rows that are gone, in place of those of the last call: digests of question and answer."""
        self._kept = frozenset(pairs)
        self._kept_questions = frozenset(question for question, _ in self._kept)

    def marks(self, key: str) -> bool:
        """Whether any answer is marked for the question with this `key`, by a row that is there or one that is gone."""
        return key in self._marked or (bool(self._kept) and digest(key) in self._kept_questions)

    def holds(self, key: str, answer: str, right: Collection[str]) -> bool:
        """Whether `answer` is marked, and is none of those that are `right` for the question.

        Answers are compared as they are spelt first, and then by their keys: a correction of marks alone makes the old
        spelling wrong, while an answer that is wrong does not become right without its full stop.
        """
        marked = self._marked.get(key, ())
        if not marked and not self._kept:
            return False
        spelt = normalise(answer)
        if spelt in map(normalise, right):
            return False
        if spelt in marked:
            return True
        form = _form(answer)
        if form in map(_form, right):
            return False
        return form in map(_form, marked) or (digest(key), digest(form)) in self._kept
