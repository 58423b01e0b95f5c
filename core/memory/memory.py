"""The memory: what each row teaches, the answers of questions and of those nearest to them, and which are wrong."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from itertools import islice

from core.memory.alike import forms, is_alike, may_be_alike
from core.memory.features import Features, Spelling
from core.memory.lesson import NOT_THE_SAME, Lesson, Match
from core.memory.questions import Questions
from core.memory.reviewed import Reviewed
from core.memory.similarity import Measured, Rarity
from core.memory.wrong import WrongAnswers
from core.text import Tokenizer, question_key

_LOOKED_AT = 30  # questions that the index gives, of which the nearest are chosen
_MARKED_LOOKED_AT = 10  # likewise, of those without a right answer: only one in hardly other words is of use
_AT_ONCE = 5000  # lessons; between two such batches others may ask


class Memory:
    """Reviewed answers by similarity of the question; for any number of threads at once.

    What `put` and `drop` returned from, every later `find` sees. Where rows of one question disagree, the one that was
    put last is the newest: put rows in the order in which they were decided.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._lessons: dict[int, Lesson] = {}
        self._answered = Questions()
        self._marked = Questions()  # of which nothing but wrong answers is known
        self._size = 0
        self._shared: Counter[str] = Counter()  # answer → questions that have it
        self._wrong = WrongAnswers()
        self._rarity = Rarity()
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
                self._commit()

    def drop(self, rows: Iterable[int]) -> None:
        """Forget all that `rows` taught; unknown ones are no error."""
        found = list(rows)
        with self._lock:
            for row in found:
                self._drop(row)
            self._commit()

    def keep_wrong(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Hold answers to be wrong though no row says so any more, in place of those of the last call.

        `pairs` are a question and an answer each, as the `digest` of their `question_key`.
        """
        kept = list(pairs)  # read before others have to wait
        with self._lock:
            self._wrong.keep(kept)

    def find(self, question: str, limit: int = 10) -> list[Match]:
        """The reviewed questions nearest to `question`, at most `limit`, best first; none that shares nothing with it.

        Rows with the same question and the same answer are one match, the newest of them. Answers to one question come
        newest first.
        """
        spelling = Spelling.of(question)
        near = self._near(spelling, max(limit, _LOOKED_AT)) if spelling.key else []
        with self._lock:
            same = self._answered.get(spelling.key)
            if same is not None:
                near = [(1.0, same), *(pair for pair in near if pair[1] is not same)]
            matches = (match for similarity, one in near for match in self._matches(spelling, one, similarity))
            return list(islice(matches, limit))

    def alike(self, question: str, matches: Iterable[Match] = ()) -> list[str]:
        """The keys (`core.text.question_key`) of reviewed questions that `question` is hardly other words of.

        They are those among `matches`, which `find` gave for it, and those of which memory knows wrong answers alone.
        """
        spelling = Spelling.of(question)
        numbers = self._marked.numbers_near(spelling, _MARKED_LOOKED_AT) if spelling.key else []
        with self._lock:
            marked = self._marked.known(numbers)
        alike = [one.spelling.key for one in self._those_alike(spelling, marked)]
        return [*(question_key(match.question) for match in matches if match.alike), *alike]

    def is_wrong(self, question: str, answer: str, alike: Iterable[str] = ()) -> bool:
        """Whether `answer` was marked wrong for `question`, in this or its other ending, or for one of those `alike`.

        A row that approves this very pair wins over all marks, and one that approves the answer for the very question
        for which it is marked over that mark. `alike` are keys, as the method of this name gives them.
        """
        own, *others = forms(question)
        with self._lock:
            if not self._wrong:
                return False
            right = self._right(own)
            keys = dict.fromkeys((own, *others, *alike))
            return any(self._wrong.holds(key, answer, (*right, *self._right(key))) for key in keys)

    def has_wrong(self, question: str, alike: Iterable[str] = ()) -> bool:
        """Whether some answer was marked wrong for `question`, in either ending, or for one of those `alike`."""
        with self._lock:
            return any(self._wrong.marks(key) for key in (*forms(question), *alike))

    def _right(self, key: str) -> Collection[str]:
        known = self._answered.get(key)
        return known.answers if known else ()

    def _near(self, question: Spelling, limit: int) -> list[tuple[float, Reviewed]]:
        """Answered questions with their similarity, above 0 and best first; the same question is one of them."""
        numbers = self._answered.numbers_near(question, limit)
        with self._lock:
            known = self._answered.known(numbers)
        asked = self._measured(question)
        near = [(self._similarity(asked, one.spelling), one) for one in known]
        return sorted((pair for pair in near if pair[0] > 0), key=lambda pair: -pair[0])

    def _those_alike(self, question: Spelling, known: Iterable[Reviewed]) -> list[Reviewed]:
        """Those of `known` that `question` is hardly other words of."""
        worth = [one for one in known if may_be_alike(question, one.spelling)]
        if not worth:
            return []
        asked = self._measured(question)
        return [one for one in worth if is_alike(question, one.spelling, self._similarity(asked, one.spelling))]

    def _similarity(self, asked: Measured, known: Spelling) -> float:
        return min(NOT_THE_SAME, self._rarity.similarity(asked, self._measured(known)))

    def _measured(self, spelling: Spelling) -> Measured:
        return self._rarity.measured(Features.of(spelling, self._tokenizer))

    def _matches(self, asked: Spelling, one: Reviewed, similarity: float) -> Iterator[Match]:
        alike = is_alike(asked, one.spelling, similarity)
        for row in one.newest_rows():
            lesson = self._lessons[row]
            if lesson.answer is not None:
                yield Match(row, lesson.question, lesson.answer, similarity, self._shared[lesson.answer], alike)

    def _put(self, spelling: Spelling, lesson: Lesson) -> None:
        self._lessons[lesson.row] = lesson
        self._wrong.add(spelling.key, lesson.wrong)
        if lesson.answer is not None and spelling.key:
            known = self._answered.get(spelling.key) or self._add(spelling)
            if known.add(lesson.answer, lesson.row):
                self._shared[lesson.answer] += 1
            self._size += 1
        self._mark(spelling)

    def _add(self, spelling: Spelling) -> Reviewed:
        """Begin with a question that no row answered so far."""
        if self._rarity.wants_next():
            self._rarity.count(Features.of(spelling, self._tokenizer))
        return self._answered.add(spelling)

    def _drop(self, row: int) -> None:
        lesson = self._lessons.pop(row, None)
        if lesson is None:
            return
        spelling = Spelling.of(lesson.question)
        self._wrong.remove(spelling.key, lesson.wrong)
        if lesson.answer is not None and (known := self._answered.get(spelling.key)):
            if known.remove(lesson.answer, row):
                self._unshare(lesson.answer)
            self._size -= 1
            if not known.answers:
                self._answered.remove(spelling.key)
        self._mark(spelling)

    def _mark(self, spelling: Spelling) -> None:
        """Let a question be found among those with wrong answers alone while it is one of them."""
        is_one = spelling.key != "" and spelling.key in self._wrong and self._answered.get(spelling.key) is None
        if not is_one:
            self._marked.remove(spelling.key)
        elif self._marked.get(spelling.key) is None:
            self._marked.add(spelling)

    def _commit(self) -> None:
        self._answered.commit()
        self._marked.commit()

    def _unshare(self, answer: str) -> None:
        self._shared[answer] -= 1
        if not self._shared[answer]:
            del self._shared[answer]


def _batches(lessons: Iterable[Lesson]) -> Iterator[list[Lesson]]:
    """Parts of what may be read from a database: it must not be read while others wait for the memory."""
    iterator = iter(lessons)
    while batch := list(islice(iterator, _AT_ONCE)):
        yield batch
