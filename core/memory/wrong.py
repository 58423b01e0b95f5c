"""Which answers are wrong for which questions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from core.text import normalise, question_key


class WrongAnswers:
    """Answers marked wrong, by the key of their question; each as often as rows say so."""

    def __init__(self) -> None:
        self._marked: dict[str, Counter[str]] = {}

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

    def holds(self, key: str, answer: str, right: Collection[str]) -> bool:
        """Whether `answer` is marked, and is none of those that are `right` for the question.

        Answers are compared as they are spelt first, and then by their keys: a correction of marks alone makes the old
        spelling wrong, while an answer that is wrong does not become right without its full stop.
        """
        marked = self._marked.get(key)
        if not marked:
            return False
        spelt = normalise(answer)
        if spelt in map(normalise, right):
            return False
        form = question_key(answer)
        if spelt in marked:
            return True
        return form in map(question_key, marked) and form not in map(question_key, right)
