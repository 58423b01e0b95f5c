"""The memory: lessons by row, questions by key, and the nearest of them."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Iterable

from core.memory.lesson import Lesson, Match
from core.memory.verdicts import Verdicts
from core.text import Tokenizer, normalise, normalise_question, question_key

_NOT_THE_SAME = 0.999  # most similarity of a question that is another one, however alike


class Memory:
    """Reviewed answers by similarity of the question; for any number of threads at once.

    What `put` and `drop` returned from, every later `find` sees. Where rows of one question disagree, the one that was
    put last is the newest: put rows in the order in which they were decided.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._lessons: dict[int, Lesson] = {}  # oldest decision first
        self._rows: dict[str, dict[int, None]] = {}  # key → rows with an answer, oldest first
        self._features: dict[str, dict[str, float]] = {}
        self._verdicts = Verdicts()
        self._lock = threading.RLock()

    @property
    def size(self) -> int:
        """How many rows with an answer it holds."""
        with self._lock:
            return sum(lesson.answer is not None for lesson in self._lessons.values())

    def put(self, lessons: Iterable[Lesson]) -> None:
        """Add `lessons`, each in place of an earlier one of its row."""
        with self._lock:
            for lesson in lessons:
                self._drop(lesson.row)
                self._put(lesson)

    def drop(self, rows: Iterable[int]) -> None:
        """Forget all that `rows` taught; unknown ones are no error."""
        with self._lock:
            for row in rows:
                self._drop(row)

    def find(self, question: str, limit: int = 10) -> list[Match]:
        """The reviewed questions nearest to `question`, at most `limit`, best first; none without a word in common.

        Rows with the same question and the same answer are one match, the newest of them. Answers to one question come
        newest first.
        """
        key = question_key(question)
        features = _features(question, self._tokenizer)
        with self._lock:
            near = [
                (1.0 if other == key else _cosine(features, known), other) for other, known in self._features.items()
            ]
            near = sorted((pair for pair in near if pair[0] > 0), key=lambda pair: -pair[0])[:limit]
            return [match for similarity, other in near for match in self._matches(other, similarity)][:limit]

    def is_wrong(self, question: str, answer: str) -> bool:
        """Whether `answer` was marked wrong for `question`; a row that approves this very pair wins over a mark."""
        with self._lock:
            return self._verdicts.is_wrong(question, answer)

    def _matches(self, key: str, similarity: float) -> list[Match]:
        """The answers of one question, newest first, each once."""
        found: dict[str, Match] = {}
        for row in reversed(self._rows[key]):
            lesson = self._lessons[row]
            answer = lesson.answer or ""
            found.setdefault(normalise(answer), Match(row, lesson.question, answer, similarity))
        return list(found.values())

    def _put(self, lesson: Lesson) -> None:
        self._lessons[lesson.row] = lesson
        self._verdicts.add(lesson)
        if lesson.answer is None:
            return
        key = question_key(lesson.question)
        self._rows.setdefault(key, {})[lesson.row] = None
        self._features[key] = _features(lesson.question, self._tokenizer)

    def _drop(self, row: int) -> None:
        lesson = self._lessons.pop(row, None)
        if lesson is None:
            return
        self._verdicts.remove(lesson)
        if lesson.answer is None:
            return
        key = question_key(lesson.question)
        del self._rows[key][row]
        if not self._rows[key]:
            del self._rows[key], self._features[key]


def _features(question: str, tokenizer: Tokenizer) -> dict[str, float]:
    """Morphemes, and runs of one to three characters, as a vector of length 1."""
    text = normalise_question(question)
    spaceless = text.replace(" ", "")
    counts = Counter(token.lstrip("▁") for token in tokenizer.split(text))
    counts.update(spaceless[at : at + size] for size in (1, 2, 3) for at in range(len(spaceless) - size + 1))
    norm = math.sqrt(sum(count * count for count in counts.values())) or 1.0
    return {term: count / norm for term, count in counts.items()}


def _cosine(one: dict[str, float], other: dict[str, float]) -> float:
    return min(_NOT_THE_SAME, sum(weight * other.get(term, 0.0) for term, weight in one.items()))
