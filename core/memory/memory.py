"""The memory: lessons by row, questions by key, and the nearest of them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from core.memory.features import Features, Spelling
from core.memory.index import Index
from core.memory.lesson import NOT_THE_SAME, Lesson, Match
from core.memory.reviewed import Reviewed
from core.memory.similarity import Measured, Rarity
from core.memory.wrong import WrongAnswers
from core.text import Tokenizer, question_key

_LOOKED_AT = 30  # questions that the index gives, of which the nearest are chosen
_AT_ONCE = 5000  # lessons; between two such batches others may ask


class Memory:
    """Reviewed answers by similarity of the question; for any number of threads at once.

    What `put` and `drop` returned from, every later `find` sees. Where rows of one question disagree, the one that was
    put last is the newest: put rows in the order in which they were decided.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._lessons: dict[int, Lesson] = {}
        self._by_key: dict[str, Reviewed] = {}
        self._by_number: dict[int, Reviewed] = {}
        self._numbers = 0  # given so far
        self._size = 0
        self._shared: Counter[str] = Counter()  # answer → questions that have it
        self._wrong = WrongAnswers()
        self._rarity = Rarity()
        self._index = Index()
        self._lock = threading.RLock()

    @property
    def size(self) -> int:
        """How many rows with an answer it holds."""
        return self._size

    def put(self, lessons: Iterable[Lesson]) -> None:
        """Add `lessons`, each in place of an earlier one of its row; some thousands at a time are seen together."""
        for batch in _batches(lessons):
            spelt = [(Spelling.of(lesson.question), lesson) for lesson in batch]
            with self._lock:
                for spelling, lesson in spelt:
                    self._drop(lesson.row)
                    self._put(spelling, lesson)
                self._rarity.settle()
                self._index.commit()

    def drop(self, rows: Iterable[int]) -> None:
        """Forget all that `rows` taught; unknown ones are no error."""
        found = list(rows)
        with self._lock:
            for row in found:
                self._drop(row)
            self._index.commit()

    def keep_wrong(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Hold answers to be wrong though no row says so any more, in place of those of the last call.

        `pairs` are a question and an answer each, as the `digest` of their `question_key`.
        """
        kept = frozenset(pairs)
        with self._lock:
            self._wrong.kept = kept

    def find(self, question: str, limit: int = 10) -> list[Match]:
        """The reviewed questions nearest to `question`, at most `limit`, best first; none that shares nothing with it.

        Rows with the same question and the same answer are one match, the newest of them. Answers to one question come
        newest first.
        """
        spelling = Spelling.of(question)
        near = self._near(spelling, max(limit, _LOOKED_AT)) if spelling.key else []
        with self._lock:
            same = self._by_key.get(spelling.key)
            if same is not None:
                near = [(1.0, same), *(pair for pair in near if pair[1] is not same)]
            matches = (match for similarity, one in near for match in self._matches(one, similarity))
            return list(islice(matches, limit))

    def is_wrong(self, question: str, answer: str) -> bool:
        """Whether `answer` was marked wrong for `question`; a row that approves this very pair wins over a mark."""
        key = question_key(question)
        with self._lock:
            known = self._by_key.get(key)
            return self._wrong.holds(key, answer, known.answers if known else ())

    def _near(self, question: Spelling, limit: int) -> list[tuple[float, Reviewed]]:
        """Questions with their similarity, above 0 and best first; the same question is one of them."""
        numbers = self._index.nearest(question, limit)
        with self._lock:
            known = [self._by_number[number] for number in numbers if number in self._by_number]
        asked, similarity = self._measured(question), self._rarity.similarity
        near = [(min(NOT_THE_SAME, similarity(asked, self._measured(one.spelling))), one) for one in known]
        return sorted((pair for pair in near if pair[0] > 0), key=lambda pair: -pair[0])

    def _measured(self, spelling: Spelling) -> Measured:
        return self._rarity.measured(Features.of(spelling, self._tokenizer))

    def _matches(self, one: Reviewed, similarity: float) -> Iterator[Match]:
        for row in one.newest_rows():
            lesson = self._lessons[row]
            if lesson.answer is not None:
                yield Match(row, lesson.question, lesson.answer, similarity, self._shared[lesson.answer])

    def _put(self, spelling: Spelling, lesson: Lesson) -> None:
        self._lessons[lesson.row] = lesson
        self._wrong.add(spelling.key, lesson.wrong)
        if lesson.answer is None or not spelling.key:
            return
        known = self._by_key.get(spelling.key) or self._add(spelling)
        if known.add(lesson.answer, lesson.row):
            self._shared[lesson.answer] += 1
        self._size += 1

    def _add(self, spelling: Spelling) -> Reviewed:
        """Begin with a question that no row taught so far."""
        self._numbers += 1
        known = self._by_key[spelling.key] = self._by_number[self._numbers] = Reviewed(self._numbers, spelling)
        self._index.add(known.number, spelling)
        if self._rarity.wants_next():
            self._rarity.count(Features.of(spelling, self._tokenizer))
        return known

    def _drop(self, row: int) -> None:
        lesson = self._lessons.pop(row, None)
        if lesson is None:
            return
        key = question_key(lesson.question)
        self._wrong.remove(key, lesson.wrong)
        if lesson.answer is None or not key:
            return
        known = self._by_key[key]
        if known.remove(lesson.answer, row):
            self._unshare(lesson.answer)
        self._size -= 1
        if not known.answers:
            del self._by_key[key], self._by_number[known.number]
            self._index.remove(known.number)

    def _unshare(self, answer: str) -> None:
        self._shared[answer] -= 1
        if not self._shared[answer]:
            del self._shared[answer]


def _batches(lessons: Iterable[Lesson]) -> Iterator[list[Lesson]]:
    """Parts of what may be read from a database: it must not be read while others wait for the memory."""
    iterator = iter(lessons)
    while batch := list(islice(iterator, _AT_ONCE)):
        yield batch
