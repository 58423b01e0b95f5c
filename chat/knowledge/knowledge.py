"""One process's memory and block list, kept in step with the database. Knows no websocket and no model."""

import logging
import threading
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Protocol

from chat.knowledge.lessons import Change, changes, lessons, verdicts, verdicts_changed
from chat.models import BlockRule, MemoryRevision
from core.memory import Memory
from core.reply import Blocklist, ReplyError

logger = logging.getLogger(__name__)

PATIENCE = 2.0  # seconds that a question waits for what others are taking in
_AT_ONCE = 500  # changes; between two such batches others may ask the memory


class Ruled(Protocol):
    """What keeps to a block list: `core.reply.Responder`."""

    rules: Blocklist


class Knowledge:
    """Feeds a `Memory`, and the rules of who answers from it, with what reviewers decide in any process.

    `load` once, then `sync` before each question: what was committed before a call of `sync` is known when it
    returns, unless that is very much. For any number of threads at once.
    """

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self._rules = Blocklist()
        self._ruled: Ruled | None = None
        self._revision = 0
        self._lock = threading.Lock()

    def load(self) -> None:
        """Take in all that was ever taught. Raises a django.db.Error."""
        with self._lock:
            begun = time.monotonic()
            revision = MemoryRevision.current()  # what changes while rows are read is read again by the next sync
            self.memory.put(lessons())
            self.memory.keep_wrong(verdicts())
            self._rules = _stored_rules()
            self._revision = revision
        logger.info("%d reviewed answers in memory after %.1f s", self.memory.size, time.monotonic() - begun)

    def serve(self, ruled: Ruled) -> None:
        """Give ``ruled`` the block list, now and whenever it changes."""
        with self._lock:
            self._ruled = ruled
            ruled.rules = self._rules

    def sync(self) -> bool:
        """Take in what changed, and tell whether this call did: one cheap query where nothing changed.

        Where another thread is taking in very much, as after tens of thousands of rows were approved at once, it is
        waited for no longer than `PATIENCE`: or one import would keep every visitor waiting. Raises a django.db.Error.
        """
        if MemoryRevision.current() <= self._revision:
            return False
        if not self._lock.acquire(timeout=PATIENCE):
            return False
        try:
            revision = MemoryRevision.current()
            if revision <= self._revision:  # another thread did it meanwhile
                return False
            self._take_in(revision)
            return True
        finally:
            self._lock.release()

    def _take_in(self, revision: int) -> None:
        # What is blocked and what is wrong first: these hold also for whoever does not wait for the rest.
        self._rules = _stored_rules()
        if self._ruled is not None:
            self._ruled.rules = self._rules
        if verdicts_changed(since=self._revision):
            self.memory.keep_wrong(verdicts())
        for batch in _batches(changes(since=self._revision)):
            self.memory.put(change.lesson for change in batch if change.lesson is not None)
            self.memory.drop(change.row for change in batch if change.lesson is None)
        self._revision = revision


def _batches(found: Iterable[Change]) -> Iterator[list[Change]]:
    iterator = iter(found)
    while batch := list(islice(iterator, _AT_ONCE)):
        yield batch


def _stored_rules() -> Blocklist:
    """Return the rules in use. One that cannot be read is left out and logged: the others must hold."""
    words: list[str] = []
    patterns: list[str] = []
    for rule in BlockRule.objects.filter(active=True).order_by("pk"):
        if rule.kind == BlockRule.Kind.WORD:
            words.append(rule.pattern)
            continue
        try:
            Blocklist(patterns=(rule.pattern,))
        except ReplyError as error:
            logger.error("block rule %d does not hold: %s", rule.pk, error)
        else:
            patterns.append(rule.pattern)
    return Blocklist(tuple(words), tuple(patterns))
