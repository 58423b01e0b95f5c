"""The process's one responder and what it knows: made on first use, so that Django's own commands load no model."""

import logging
import threading
import time
from typing import Protocol

from django.conf import settings

from chat.knowledge.knowledge import Knowledge
from chat.services import Answer
from core.memory import Memory
from core.reply import Mode, ReplyError, Responder
from core.text import TextError, Tokenizer, get_analyser

logger = logging.getLogger(__name__)

# After a model could not be opened, questions are refused at once for this long (seconds) instead of each
# trying.
RETRY_AFTER = 5.0


class Answerer(Protocol):
    """What the app needs of a responder; core.reply.Responder is one, and so are the tests' fakes."""

    def reply(self, text: str, *, mode: Mode | None = None, avoid: str = "") -> Answer:
        """Answer a text, blocking. Raises ReplyError."""

    async def areply(self, text: str, *, mode: Mode | None = None, avoid: str = "") -> Answer:
        """Answer a text; ``mode`` None is the server's own, ``avoid`` what was said last. Raises ReplyError."""

    def close(self) -> None:
        """Give threads and model back."""


_lock = threading.Lock()
_responder: Answerer | None = None
_knowledge: Knowledge | None = None
_failure: tuple[float, ReplyError] | None = None


def get_responder() -> Answerer:
    """Return the responder, opening it on the first call, which takes seconds.

    Raises ReplyError when there is no model to answer with, and a django.db.Error when nothing can be read.
    """
    global _responder, _failure
    with _lock:
        if _responder is None:
            if _failure is not None and time.monotonic() - _failure[0] < RETRY_AFTER:
                raise _failure[1]
            try:
                _responder = _open(_loaded_knowledge())
            except ReplyError as error:
                _failure = (time.monotonic(), error)
                raise
        return _responder


def _loaded_knowledge() -> Knowledge:
    """Return what reviewers taught so far, read once, also when there is no model yet."""
    global _knowledge
    if _knowledge is None:
        try:
            tokenizer = Tokenizer(get_analyser(settings.ANALYSER))
        except TextError as error:
            raise ReplyError(str(error)) from error
        knowledge = Knowledge(Memory(tokenizer))
        knowledge.load()
        _knowledge = knowledge
    return _knowledge


def _open(knowledge: Knowledge) -> Responder:
    responder = Responder.open(
        settings.DATA_DIR,
        out_dir=settings.OUT_DIR,
        memory=knowledge.memory,
        mode=settings.REPLY_MODE,
        analyser=settings.ANALYSER,
        timeout=settings.REPLY_TIMEOUT,
    )
    knowledge.serve(responder)
    return responder


def learn_changes() -> None:
    """Let the responder know all that reviewers have decided up to now. Raises a django.db.Error."""
    if _knowledge is not None:
        _knowledge.sync()


def opened_memory() -> Memory | None:
    """Return what was reviewed up to now, if it is loaded already. Raises a django.db.Error."""
    learn_changes()
    return None if _knowledge is None else _knowledge.memory


def opened_responder() -> Answerer | None:
    """Return the responder if it is there, without waiting for it."""
    return _responder


def set_responder(responder: Answerer | None) -> Answerer | None:
    """Put another responder in place (None: open the real one on the next use) and return the one before."""
    global _responder, _knowledge, _failure
    with _lock:
        before, _responder, _knowledge, _failure = _responder, responder, None, None
        return before
