"""Which answers are wrong for which questions."""

from __future__ import annotations

from collections import Counter

from core.memory.lesson import Lesson
from core.text import normalise, question_key

_Pair = tuple[str, str, str]  # the question's key, how the answer is compared, and the answer in that form


class Verdicts:
    """Counts of (question, answer) pairs that lessons call right and wrong.

    A question is known by its key. An answer is compared as it is spelt first, and then by its key too: a correction of
    marks alone makes the old spelling wrong, while an answer that is wrong does not become right without its marks.
    """

    def __init__(self) -> None:
        self._right: Counter[_Pair] = Counter()
        self._wrong: Counter[_Pair] = Counter()

    def add(self, lesson: Lesson) -> None:
        """Count what `lesson` says."""
        self._count(lesson, 1)

    def remove(self, lesson: Lesson) -> None:
        """Take back what `add` counted for `lesson`."""
        self._count(lesson, -1)

    def is_wrong(self, question: str, answer: str) -> bool:
        """Whether `answer` was marked wrong for `question`, and no row calls it right."""
        for pair in _pairs(question_key(question), answer):
            if pair in self._right:
                return False
            if pair in self._wrong:
                return True
        return False

    def _count(self, lesson: Lesson, number: int) -> None:
        key = question_key(lesson.question)
        if lesson.answer is not None:
            _change(self._right, key, lesson.answer, number)
        for answer in lesson.wrong:
            _change(self._wrong, key, answer, number)


def _change(counts: Counter[_Pair], key: str, answer: str, number: int) -> None:
    for pair in _pairs(key, answer):
        counts[pair] += number
        if not counts[pair]:
            del counts[pair]


def _pairs(key: str, answer: str) -> tuple[_Pair, _Pair]:
    return (key, "spelling", normalise(answer)), (key, "key", question_key(answer))
