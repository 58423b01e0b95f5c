"""The wire format of the websocket: text frames in, text frames out. Knows no socket and no database."""

import json
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from chat.models import Chat
from core.text import normalise

MAX_MESSAGE_LENGTH = 600  # characters
MAX_ID_LENGTH = 64
# The longest valid frame, with every character written as two \uXXXX escapes, is half of this. Longer is not
# parsed.
MAX_FRAME_LENGTH = 16 * 1024

DETAILS: dict[str, str | Promise] = {
    "bad_json": _("메시지를 읽지 못했어요. JSON 형식인지 확인해 주세요."),
    "bad_message": _("메시지가 비어 있거나 쓸 수 없는 글자가 들어 있어요."),
    "too_long": _("메시지는 600자까지 보낼 수 있어요."),
    "binary": _("글자로 된 메시지만 받을 수 있어요."),
    "busy": _("지금 이야기하는 사람이 많아요. 잠시 뒤에 다시 보내 주세요."),
    "timeout": _("답을 떠올리는 데 너무 오래 걸렸어요. 다시 보내 주세요."),
    "unavailable": _("아직 답할 준비가 되지 않았어요. 잠시 뒤에 다시 보내 주세요."),
    "internal": _("답하다가 문제가 생겼어요. 잠시 뒤에 다시 보내 주세요."),
}


@dataclass(frozen=True, slots=True)
class Message:
    """A checked message: its text without outer spaces, and the client's id or the empty string."""

    text: str
    client_id: str = ""


class FrameError(Exception):
    """A frame that is no message: a key of DETAILS, and the sender's id where it was readable."""

    def __init__(self, code: str, client_id: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.client_id = client_id


def parse(text: str | None) -> Message:
    """Read a frame, where None stands for a binary one. Raises FrameError."""
    if text is None:
        raise FrameError("binary")
    if len(text) > MAX_FRAME_LENGTH:
        raise FrameError("too_long")
    content = _load(text)
    client_id = _client_id(content)
    message = content.get("message")
    if not isinstance(message, str) or not _is_storable(message):
        raise FrameError("bad_message", client_id)
    message = message.strip()
    if len(message) > MAX_MESSAGE_LENGTH:
        raise FrameError("too_long", client_id)
    if not normalise(message):
        raise FrameError("bad_message", client_id)
    return Message(text=message, client_id=client_id)


def _load(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:  # RecursionError: brackets nested a thousand deep
        raise FrameError("bad_json") from error
    if not isinstance(content, dict):
        raise FrameError("bad_message")
    return content


def _client_id(content: dict[str, Any]) -> str:
    client_id = content.get("id")
    if client_id is None:
        return ""
    if not isinstance(client_id, str) or not 1 <= len(client_id) <= MAX_ID_LENGTH or not _is_storable(client_id):
        raise FrameError("bad_message")
    return client_id


def _is_storable(text: str) -> bool:
    """Tell whether a database can hold the text: no NUL, no half surrogate pair, which JSON can spell."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def answer_frame(chat: Chat) -> str:
    """Return the frame that brings a stored answer."""
    content: dict[str, Any] = {"message": chat.answer, "chat": chat.pk}
    if chat.client_id:
        content["id"] = chat.client_id
    content |= {"source": chat.source, "score": chat.score, "model": chat.model_version}
    return json.dumps(content, ensure_ascii=False)


def error_frame(code: str, client_id: str = "") -> str:
    """Return the frame that tells what went wrong, in the active language."""
    content: dict[str, Any] = {"error": {"code": code, "detail": str(DETAILS[code])}}
    if client_id:
        content["id"] = client_id
    return json.dumps(content, ensure_ascii=False)
