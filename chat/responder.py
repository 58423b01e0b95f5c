"""The process's one responder: made on first use, so that Django's own commands never load a model."""

import logging
import threading
import time
from typing import Protocol

from django.conf import settings

from chat.services import Answer
from core.reply import ReplyError, Responder

logger = logging.getLogger(__name__)

# After a model could not be opened, questions are refused at once for this long (seconds) instead of each
# trying.
RETRY_AFTER = 5.0


class Answerer(Protocol):
    """What the app needs of a responder; core.reply.Responder is one, and so are the tests' fakes."""

    def reply(self, text: str) -> Answer:
        """Answer a text, blocking. Raises ReplyError."""

    async def areply(self, text: str) -> Answer:
        """Answer a text. Raises ReplyError."""

    def close(self) -> None:
        """Give threads and model back."""


_lock = threading.Lock()
_responder: Answerer | None = None
_failure: tuple[float, ReplyError] | None = None


def get_responder() -> Answerer:
    """Return the responder, opening it on the first call, which takes seconds. Raises ReplyError."""
    global _responder, _failure
    with _lock:
        if _responder is None:
            if _failure is not None and time.monotonic() - _failure[0] < RETRY_AFTER:
                raise _failure[1]
            try:
                _responder = Responder.open(
                    settings.DATA_DIR,
                    out_dir=settings.OUT_DIR,
                    analyser=settings.ANALYSER,
                    timeout=settings.REPLY_TIMEOUT,
                )
            except ReplyError as error:
                _failure = (time.monotonic(), error)
                raise
        return _responder


def opened_responder() -> Answerer | None:
    """Return the responder if it is there, without waiting for it."""
    return _responder


def set_responder(responder: Answerer | None) -> Answerer | None:
    """Put another responder in place (None: open the real one on the next use) and return the one before."""
    global _responder, _failure
    with _lock:
        before, _responder, _failure = _responder, responder, None
        return before
