"""Open questions that are nearly the same, so that one decision does for all of them.

Looked for around the row at hand alone: however many questions are open, a page asks for the neighbours of one.
"""

import re
import threading
import time
from collections.abc import Iterator
from functools import cache

from django.conf import settings

from chat.fields import question_digest
from chat.inbox.queue import waiting
from chat.models import Chat, ChatQuerySet
from core.memory import Lesson, Memory
from core.text import Tokenizer, get_analyser, normalise_question

ALIKE = 0.7  # least similarity of a question that is asked about together with another
MOST = 50  # rows of one group; what is left over comes next

_AT_ONCE = 250  # questions taken in between two looks at the clock
_SECONDS = 0.3  # of one request, for questions that are not taken in yet
_NEAR = 30  # questions looked at around one
# Words that turn a question into its opposite, however alike the rest is; and numbers, which mean what they say.
_TELLING = re.compile(r"\d+|안(?=\s)|못|없|않|아니|말(?=[고아았지])|왜|누구|언제|어디|얼마|몇")


class OpenQuestions:
    """The open questions by similarity, in this process; each question once, however often it was asked.

    It takes in what is new whenever it is asked, for a fraction of a second at most: after a start with many open
    questions the first pages find fewer neighbours than there are. For any number of threads at once.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        # What a question "teaches" here is its own digest, by which the rows are found.
        self._memory = Memory(tokenizer)
        self._seen: set[str] = set()
        self._last = 0
        self._lock = threading.Lock()

    def near(self, question: str, *, seconds: float = _SECONDS) -> list[str]:
        """Return the digests of the questions that are nearly the same, the same one included, best first."""
        with self._lock:
            self._take_in(time.monotonic() + seconds)
        own = question_digest(question)
        found = [match for match in self._memory.find(question, limit=_NEAR) if match.similarity >= ALIKE]
        near = [match.answer for match in found if match.answer != own and are_alike(question, match.question)]
        return [own, *near]

    def _take_in(self, end: float) -> None:
        for rows in self._batches():
            fresh = {digest: (pk, question) for pk, question, digest in rows if digest not in self._seen}
            self._memory.put(Lesson(pk, question, digest) for digest, (pk, question) in fresh.items())
            self._seen |= fresh.keys()
            self._last = rows[-1][0]
            if time.monotonic() > end:
                return

    def _batches(self) -> Iterator[list[tuple[int, str, str]]]:
        open_rows = waiting().order_by("pk").values_list("pk", "question", "question_key")
        while rows := list(open_rows.filter(pk__gt=self._last)[:_AT_ONCE]):
            yield rows


def are_alike(question: str, other: str) -> bool:
    """Whether two similar questions may have one answer: no number, "not" or question word stands in one alone."""
    return _telling(question) == _telling(other)


def group_of(chat: Chat) -> ChatQuerySet:
    """Return the open rows, apart from ``chat``, whose question is nearly the same; oldest first."""
    digests = open_questions().near(chat.question)
    return waiting().filter(question_key__in=digests).exclude(pk=chat.pk).order_by("pk")


@cache
def open_questions() -> OpenQuestions:
    """Return the process's one index, empty at first."""
    return OpenQuestions(Tokenizer(get_analyser(settings.ANALYSER)))


def _telling(question: str) -> set[str]:
    return set(_TELLING.findall(normalise_question(question)))
