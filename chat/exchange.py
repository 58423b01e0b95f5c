"""One exchange: store the question, get the answer, store it. Runs on its own, whoever waits for it.

The task of an exchange belongs to this module, not to a socket: when a socket closes, saving goes on, and a
second socket that asks the same thing (same visitor, same message id) waits for the same task. The stored
row is what makes "the same" hold across processes and restarts.
"""

import asyncio
from dataclasses import dataclass

from django.conf import settings

from chat import selectors, services
from chat.database import in_thread
from chat.models import Chat
from chat.responder import Answerer, get_responder, learn_changes, opened_responder
from core.reply import Mode, ReplyTimeout


@dataclass(frozen=True, slots=True)
class Question:
    """What a visitor sent, checked.

    ``client_id`` is the client's own message id, or empty; ``mode`` who may answer, None as the server is set.
    """

    visitor: str
    room: str
    text: str
    client_id: str = ""
    mode: Mode | None = None


_running: dict[tuple[str, str], asyncio.Task[Chat]] = {}
_tasks: set[asyncio.Task[Chat]] = set()  # the event loop itself holds tasks but weakly


def start(question: Question) -> asyncio.Task[Chat]:
    """Start the exchange, or join it if it runs already; the task's result is the row with its answer.

    Wait for the task with ``asyncio.wait``, which leaves it running when the waiter is cancelled. Its
    exception may be a ReplyError, a django.db.Error, or a bug.
    """
    key = (question.visitor, question.client_id)
    if question.client_id and key in _running:
        return _running[key]
    task = asyncio.create_task(_exchange(question))
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
    if question.client_id:
        _running[key] = task
        task.add_done_callback(lambda _task: _running.pop(key, None))
    return task


async def finish_all() -> None:
    """Wait until every exchange under way has ended, well or badly."""
    while _tasks:
        await asyncio.wait(set(_tasks))


async def _exchange(question: Question) -> Chat:
    chat, said_before = await in_thread(_store, question)
    if chat.is_answered:
        return chat
    responder = opened_responder() or await _open_responder()
    answer = await responder.areply(chat.question, mode=question.mode, avoid=said_before)
    return await in_thread(services.store_answer, chat_id=chat.pk, answer=answer)


def _store(question: Question) -> tuple[Chat, str]:
    """Store the question; where it needs an answer, get ready for one and return what was answered before it.

    What a reviewer saved before the question was asked is known from here on: it is asked about last.
    """
    chat = services.store_question(
        visitor=question.visitor, room=question.room, question=question.text, client_id=question.client_id
    )
    if chat.is_answered:
        return chat, ""
    said_before = selectors.last_answer(visitor=question.visitor, before=chat.pk)
    learn_changes()
    return chat, said_before


async def _open_responder() -> Answerer:
    try:
        return await asyncio.wait_for(in_thread(get_responder), settings.REPLY_TIMEOUT)
    except TimeoutError as error:
        raise ReplyTimeout(f"no model after {settings.REPLY_TIMEOUT:g} s") from error
