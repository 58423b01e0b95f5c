"""The websocket of the chat page: reads frames, waits for exchanges, sends answers."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any
from uuid import uuid4

from channels.consumer import AsyncConsumer, get_handler_name
from channels.exceptions import StopConsumer
from django.conf import settings
from django.db import Error as DatabaseError
from django.http import parse_cookie
from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header

from chat import exchange, frames, selectors
from chat.database import in_thread
from chat.feedback.services import FeedbackError, Outcome, give_feedback, mark_told
from chat.models import Chat
from core.reply import ReplyBusy, ReplyError, ReplyTimeout

logger = logging.getLogger(__name__)

# Messages of one socket that are worked on at once; further ones wait unread.
MAX_IN_FLIGHT = 32

Event = dict[str, Any]


class ChatConsumer(AsyncConsumer):
    """Talks with one visitor over one socket; several messages may be under way at once."""

    # Answers go to the socket that asked, so no channel layer is joined and none can fail a conversation.
    channel_layer_alias = ""

    def __init__(self) -> None:
        self.visitor = ""
        self._session_key: str | None = None
        self.language = settings.LANGUAGE_CODE
        self._slots = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._waiters: set[asyncio.Task[None]] = set()
        self._last_without_id: asyncio.Task[None] | None = None

    async def dispatch(self, message: Event) -> None:
        """Call the handler of an event, without the base class's hop through the shared database thread."""
        handler = getattr(self, get_handler_name(message), None)
        if handler is None:
            raise ValueError(f"no handler for {message['type']}")
        await handler(message)

    async def websocket_connect(self, event: Event) -> None:
        """Accept the socket, as the visitor of its session cookie; without one, as somebody new."""
        cookies = parse_cookie(_header(self.scope, b"cookie"))
        self.language = _language(cookies, _header(self.scope, b"accept-language"))
        self._session_key = cookies.get(settings.SESSION_COOKIE_NAME)
        try:
            visitor = await in_thread(selectors.visitor_of, session_key=self._session_key)
        except DatabaseError:
            logger.exception("could not look the visitor up")
            await self.send({"type": "websocket.close"})
            return
        self.visitor = visitor or uuid4().hex
        await self.send({"type": "websocket.accept"})

    async def websocket_receive(self, event: Event) -> None:
        """Start what a frame asks for: an exchange, or noting feedback; answer anything else with an error frame."""
        try:
            frame = frames.parse(event.get("text"))
        except frames.FrameError as error:
            await self._send_error(error.code, error.client_id, error.chat_id)
            return
        await self._slots.acquire()
        waiter = asyncio.create_task(self._work(frame))
        if isinstance(frame, frames.Message) and not frame.client_id:
            self._last_without_id = waiter
        self._waiters.add(waiter)
        waiter.add_done_callback(self._forget)

    async def websocket_disconnect(self, event: Event) -> None:
        """Stop waiting; the exchanges themselves go on and are saved."""
        for waiter in list(self._waiters):
            waiter.cancel()
        raise StopConsumer

    def _predecessor(self, message: frames.Message) -> asyncio.Task[None] | None:
        """A client without message ids can tell its answers by their order alone: keep it."""
        return None if message.client_id else self._last_without_id

    def _work(self, frame: frames.Message | frames.FeedbackOnAnswer | frames.Seen) -> Coroutine[Any, Any, None]:
        match frame:
            case frames.Message():
                return self._answer(frame, after=self._predecessor(frame))
            case frames.FeedbackOnAnswer():
                return self._take_feedback(frame)
            case frames.Seen():
                return self._take_seen(frame)

    def _forget(self, waiter: asyncio.Task[None]) -> None:
        self._waiters.discard(waiter)
        self._slots.release()
        if not waiter.cancelled() and waiter.exception() is not None:
            logger.error("an answer could not be sent", exc_info=waiter.exception())

    async def _answer(self, message: frames.Message, *, after: asyncio.Task[None] | None) -> None:
        if message.mode is not None and not await self._is_staff():
            await self._send_error("not_allowed", message.client_id)
            return
        question = exchange.Question(
            visitor=self.visitor,
            room=self.scope["url_route"]["kwargs"]["room"],
            text=message.text,
            client_id=message.client_id,
            mode=message.mode,
        )
        task = exchange.start(question)
        await asyncio.wait({task} if after is None else {task, after})
        if error := task.exception():
            await self._send_error(_code(error), message.client_id)
        else:
            await self._send_answer(task.result())

    async def _take_feedback(self, frame: frames.FeedbackOnAnswer) -> None:
        try:
            outcome: Outcome = await in_thread(
                give_feedback, visitor=self.visitor, chat_id=frame.chat_id, given=frame.given
            )
        except FeedbackError as error:
            await self._send_error(error.code, chat_id=frame.chat_id)
        except DatabaseError as error:
            await self._send_error(_code(error), chat_id=frame.chat_id)
        else:
            await self._send(frames.feedback_frame(outcome))

    async def _take_seen(self, frame: frames.Seen) -> None:
        try:
            await in_thread(mark_told, visitor=self.visitor, chat_ids=frame.chat_ids)
        except DatabaseError:
            logger.exception("notes will be shown again")

    async def _is_staff(self) -> bool:
        """Look the session up now: whoever has logged out since the socket was opened is no staff any more."""
        try:
            return await in_thread(selectors.is_staff, session_key=self._session_key)
        except DatabaseError:
            logger.exception("could not look a session up")
            return False

    async def _send_answer(self, chat: Chat) -> None:
        await self._send(frames.answer_frame(chat))

    async def _send_error(self, code: str, client_id: str = "", chat_id: int | None = None) -> None:
        with translation.override(self.language):
            frame = frames.error_frame(code, client_id, chat_id)
        await self._send(frame)

    async def _send(self, frame: str) -> None:
        await self.send({"type": "websocket.send", "text": frame})


def _code(error: BaseException) -> str:
    """Name a failed exchange for the visitor, and log what operators need to see."""
    match error:
        case ReplyBusy():
            return "busy"
        case ReplyTimeout():
            return "timeout"
        case ReplyError():
            logger.error("no answer: %s", error)
            return "unavailable"
        case DatabaseError():
            logger.error("an exchange was not stored", exc_info=error)
            return "unavailable"
    logger.error("an exchange failed", exc_info=error)
    return "internal"


def _header(scope: dict[str, Any], wanted: bytes) -> str:
    return next((value.decode("latin1") for name, value in scope["headers"] if name == wanted), "")


def _language(cookies: dict[str, str], accepted: str) -> str:
    """Choose the visitor's language as LocaleMiddleware does: cookie, then browser, then Korean."""
    wishes = [cookies.get(settings.LANGUAGE_COOKIE_NAME, "")]
    wishes += [code for code, _weight in parse_accept_lang_header(accepted.lower())]
    for wish in wishes:
        try:
            return translation.get_supported_language_variant(wish)
        except LookupError:
            continue
    return settings.LANGUAGE_CODE
