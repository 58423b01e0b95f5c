"""Open rows whose questions are nearly the same, so that one decision does for all of them.

Looked for around the row at hand alone: however many questions are open, a page asks for the neighbours of one.
"""

import threading
import time
from functools import cache

from django.conf import settings

from chat.fields import question_digest
from chat.inbox.likeness import Likeness
from chat.inbox.queue import waiting
from chat.models import Chat, ChatQuerySet
from core.text import Tokenizer, get_analyser

MOST = 50  # rows of one group; what is left over comes next

_AT_ONCE = 500  # rows taken in between two looks at the clock
_SECONDS = 0.3  # of one request, for rows that are not taken in yet


class OpenQuestions:
    """The questions of open rows by similarity, in this process.

    It takes in what is new whenever it is asked, for a fraction of a second: after a start with many open questions
    the first pages find fewer neighbours than there are. For any number of threads at once.
    """

    def __init__(self, likeness: Likeness) -> None:
        self._likeness = likeness
        self._last = 0  # row taken in
        self._lock = threading.Lock()

    def near(self, question: str, *, seconds: float = _SECONDS) -> list[str]:
        """Return the digests of the question and of those that are nearly the same, best first."""
        with self._lock:
            self._take_in(time.monotonic() + seconds)
            near = self._likeness.near(question)
        return [question_digest(one) for one in (question, *near)]

    def _take_in(self, end: float) -> None:
        open_rows = waiting().order_by("pk").values_list("pk", "question")
        while rows := list(open_rows.filter(pk__gt=self._last)[:_AT_ONCE]):
            self._likeness.add(question for _pk, question in rows)
            self._last = rows[-1][0]
            if time.monotonic() > end:
                return


def group_of(chat: Chat) -> ChatQuerySet:
    """Return the open rows, apart from ``chat``, whose question is nearly the same; oldest first."""
    digests = open_questions().near(chat.question)
    return waiting().filter(question_key__in=digests).exclude(pk=chat.pk).order_by("pk")


@cache
def open_questions() -> OpenQuestions:
    """Return the process's one index, empty at first."""
    return OpenQuestions(Likeness(Tokenizer(get_analyser(settings.ANALYSER))))
