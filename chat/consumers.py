"""The websocket of the chat page: reads frames, waits for exchanges, sends answers."""

import asyncio
import logging
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
        try:
            visitor = await in_thread(selectors.visitor_of, session_key=cookies.get(settings.SESSION_COOKIE_NAME))
        except DatabaseError:
            logger.exception("could not look the visitor up")
            await self.send({"type": "websocket.close"})
            return
        self.visitor = visitor or uuid4().hex
        await self.send({"type": "websocket.accept"})

    async def websocket_receive(self, event: Event) -> None:
        """Start an exchange for a message; answer anything else with an error frame."""
        try:
            message = frames.parse(event.get("text"))
        except frames.FrameError as error:
            await self._send_error(error.code, error.client_id)
            return
        await self._slots.acquire()
        waiter = asyncio.create_task(self._answer(message, after=self._predecessor(message)))
        if not message.client_id:
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

    def _forget(self, waiter: asyncio.Task[None]) -> None:
        self._waiters.discard(waiter)
        self._slots.release()
        if not waiter.cancelled() and waiter.exception() is not None:
            logger.error("an answer could not be sent", exc_info=waiter.exception())

    async def _answer(self, message: frames.Message, *, after: asyncio.Task[None] | None) -> None:
        question = exchange.Question(
            visitor=self.visitor,
            room=self.scope["url_route"]["kwargs"]["room"],
            text=message.text,
            client_id=message.client_id,
        )
        task = exchange.start(question)
        await asyncio.wait({task} if after is None else {task, after})
        if error := task.exception():
            await self._send_error(_code(error), message.client_id)
        else:
            await self._send_answer(task.result())

    async def _send_answer(self, chat: Chat) -> None:
        await self.send({"type": "websocket.send", "text": frames.answer_frame(chat)})

    async def _send_error(self, code: str, client_id: str = "") -> None:
        with translation.override(self.language):
            frame = frames.error_frame(code, client_id)
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
