"""What a server does in the background when it starts: load the model, answer what was left unanswered, and gather the
open questions that the inbox looks among for near-duplicates.
"""

import logging
import threading
import time
from collections.abc import Callable

from django.db import Error as DatabaseError
from django.db import connections

from chat import selectors, services
from chat.inbox.groups import open_questions
from chat.models import Chat
from chat.responder import Answerer, get_responder, learn_changes
from core.reply import ReplyBusy, ReplyError, ReplyTimeout
from core.text import TextError

logger = logging.getLogger(__name__)

BUSY_PAUSE = 1.0  # seconds left to the visitors who are here now


def start() -> threading.Thread:
    """Begin, and return the thread at once."""
    thread = threading.Thread(target=run, name="warm-up", daemon=True)
    thread.start()
    return thread


def run() -> None:
    """Do all of it, one after the other; what fails is logged and keeps nothing else from being done."""
    try:
        answer_first()
        gather_open_questions()
    finally:
        connections.close_all()


def gather_open_questions() -> None:
    """Take in the questions that wait for reviewers, so that the inbox's first page finds all neighbours."""
    begun = time.monotonic()
    try:
        open_questions().fill()
    except TextError as error:
        logger.error("no near-duplicates in the inbox: %s", error)
    except DatabaseError:
        logger.exception("could not gather open questions; the inbox will, page by page")
    else:
        logger.info("open questions gathered after %.1f s", time.monotonic() - begun)


def answer_first() -> None:
    """Load the model and answer the questions that an earlier process stored and did not answer."""
    try:
        last = selectors.last_chat_id()  # what is asked from now on has a socket that waits for it
        connections.close_all()
        answered = answer_outstanding(get_responder(), up_to=last)
    except ReplyError as error:
        logger.error("no answers for now: %s", error)
    except DatabaseError:
        logger.exception("could not look for unanswered questions")
    else:
        logger.info("ready; %d questions of before answered", answered)


def answer_outstanding(responder: Answerer, *, up_to: int, pause: Callable[[float], None] = time.sleep) -> int:
    """Answer the stored questions without an answer among rows numbered up to ``up_to``; return how many.

    One that times out is left for the next start. Raises ReplyError when there are no answers at all to be
    had.
    """
    answered = 0
    for chat in selectors.unanswered(up_to=up_to):
        try:
            services.store_answer(chat_id=chat.pk, answer=_reply(responder, chat, pause))
        except ReplyTimeout:
            logger.warning("question %d timed out again", chat.pk)
        except Chat.DoesNotExist:
            logger.info("question %d was deleted meanwhile", chat.pk)
        else:
            answered += 1
    return answered


def _reply(responder: Answerer, chat: Chat, pause: Callable[[float], None]) -> services.Answer:
    said_before = selectors.last_answer(visitor=chat.session, before=chat.pk)
    while True:
        learn_changes()
        try:
            return responder.reply(chat.question, avoid=said_before)
        except ReplyBusy:
            pause(BUSY_PAUSE)
