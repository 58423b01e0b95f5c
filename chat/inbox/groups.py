"""Open rows whose questions are nearly the same, so that one decision does for all of them.

Looked for around the row at hand alone: however many questions are open, a page asks for the neighbours of one.
"""

import threading
import time
from collections.abc import Callable
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
    """The questions of open rows by similarity, in this process; for any number of threads at once.

    `fill` takes in all that is stored; what is asked later is taken in when a page looks for neighbours. A page that
    comes before all is taken in finds fewer neighbours than there are, and `is_complete` says so.
    """

    def __init__(self, likeness: Likeness) -> None:
        self._likeness = likeness
        self._last = 0  # row taken in
        self._complete = False
        self._lock = threading.Lock()

    @property
    def is_complete(self) -> bool:
        """Whether all that was open at the start is taken in."""
        return self._complete

    def fill(self, *, pause: Callable[[float], None] = time.sleep) -> None:
        """Take in all that is open, leaving every second moment to others. Raises a django.db.Error."""
        begun = time.monotonic()
        while not self._take_in():
            pause(time.monotonic() - begun)
            begun = time.monotonic()

    def near(self, question: str, *, seconds: float = _SECONDS) -> list[str]:
        """Return the digests of the question and of open ones that are nearly the same, best first."""
        end = time.monotonic() + seconds
        while not self._take_in() and time.monotonic() < end:
            pass
        with self._lock:
            self._likeness.add([question])  # a decision that is taken back opens what is no longer here
            while stale := self._decided(near := self._likeness.near(question)):
                self._likeness.drop(stale)  # or they would keep open ones out of the few that are found
        return [question_digest(one) for one in (question, *near)]

    def _take_in(self) -> bool:
        """Take in some rows; return whether there were no more."""
        with self._lock:
            later = _undecided().filter(pk__gt=self._last).order_by("pk")
            rows = list(later.values_list("pk", "question")[:_AT_ONCE])
            self._likeness.add(question for _pk, question in rows)
            self._last = rows[-1][0] if rows else self._last
            if len(rows) < _AT_ONCE:
                self._complete = True
            return len(rows) < _AT_ONCE

    @staticmethod
    def _decided(questions: list[str]) -> list[str]:
        digests = {question_digest(question): question for question in questions}
        open_ones = _undecided().filter(question_key__in=digests).values_list("question_key", flat=True)
        return [digests[digest] for digest in digests.keys() - set(open_ones)]


def _undecided() -> ChatQuerySet:
    """What may wait for a decision now or later: also what is not answered yet, or of a visitor who was dropped."""
    return Chat.objects.conversation().filter(verify=Chat.Verify.PENDING)


def group_of(chat: Chat) -> ChatQuerySet:
    """Return the open rows, apart from ``chat``, whose question is nearly the same; oldest first."""
    digests = open_questions().near(chat.question)
    return waiting().filter(question_key__in=digests).exclude(pk=chat.pk).order_by("pk")


@cache
def open_questions() -> OpenQuestions:
    """Return the process's one index, empty at first."""
    return OpenQuestions(Likeness(Tokenizer(get_analyser(settings.ANALYSER))))
