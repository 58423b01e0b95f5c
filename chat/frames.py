"""The wire format of the websocket: text frames in, text frames out. Knows no socket and no database."""

import json
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from chat.feedback.services import Given, Outcome, is_reaction
from chat.models import Chat, Feedback
from core.reply import MODES, Mode
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
    "not_allowed": _("답하는 방식은 관리자만 고를 수 있어요."),
    "bad_feedback": _("의견을 읽지 못했어요. 다시 남겨 주세요."),
    "not_yours": _("내가 받은 답에만 의견을 남길 수 있어요."),
    "enough_today": _("오늘 가르쳐 주신 답이 이미 많아요. 고마워요! 내일 또 알려 주세요."),
    "internal": _("답하다가 문제가 생겼어요. 잠시 뒤에 다시 보내 주세요."),
}


@dataclass(frozen=True, slots=True)
class Message:
    """A checked message: its text without outer spaces, the client's id or the empty string, and who may answer.

    ``mode`` is for staff alone; whether the sender is staff is not known here.
    """

    text: str
    client_id: str = ""
    mode: Mode | None = None


@dataclass(frozen=True, slots=True)
class FeedbackOnAnswer:
    """What a visitor says of the answer in one row."""

    chat_id: int
    given: Given


@dataclass(frozen=True, slots=True)
class Seen:
    """Rows whose notes of what a visitor taught were shown."""

    chat_ids: list[int]


class FrameError(Exception):
    """A frame that cannot be read: a key of DETAILS, and where they were readable the sender's id and the row."""

    def __init__(self, code: str, client_id: str = "", chat_id: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.client_id = client_id
        self.chat_id = chat_id


def parse(text: str | None) -> Message | FeedbackOnAnswer | Seen:
    """Read a frame, where None stands for a binary one. Raises FrameError."""
    if text is None:
        raise FrameError("binary")
    if len(text) > MAX_FRAME_LENGTH:
        raise FrameError("too_long")
    content = _load(text)
    if "message" not in content and "feedback" in content:
        return _feedback(content["feedback"])
    if "message" not in content and "seen" in content:
        return _seen(content["seen"])
    return _message(content)


def _message(content: dict[str, Any]) -> Message:
    client_id = _client_id(content)
    message, mode = content.get("message"), content.get("mode")
    if not isinstance(message, str) or not _is_storable(message) or (mode is not None and mode not in MODES):
        raise FrameError("bad_message", client_id)
    message = message.strip()
    if len(message) > MAX_MESSAGE_LENGTH:
        raise FrameError("too_long", client_id)
    if not normalise(message):
        raise FrameError("bad_message", client_id)
    return Message(text=message, client_id=client_id, mode=mode)


def _feedback(content: Any) -> FeedbackOnAnswer:
    chat_id = content.get("chat") if isinstance(content, dict) else None
    if not _is_row(chat_id):
        raise FrameError("bad_feedback")
    parts = {name: content[name] for name in ("thumb", "reaction", "suggestion") if name in content}
    given = Given(**parts) if all(isinstance(part, str) for part in parts.values()) else Given()
    if given == Given() or not _is_storable("".join(parts.values())):
        raise FrameError("bad_feedback", chat_id=chat_id)
    if (given.thumb and given.thumb not in Feedback.Thumb) or (given.reaction and not is_reaction(given.reaction)):
        raise FrameError("bad_feedback", chat_id=chat_id)
    if len((given.suggestion or "").strip()) > MAX_MESSAGE_LENGTH:
        raise FrameError("too_long", chat_id=chat_id)
    return FeedbackOnAnswer(chat_id, given)


def _seen(content: Any) -> Seen:
    if not isinstance(content, list) or not all(map(_is_row, content)):
        raise FrameError("bad_feedback")
    return Seen(content)


def _is_row(number: Any) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and 0 < number < 2**63


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
    if chat.offers:
        content["offers"] = chat.offers
    return json.dumps(content, ensure_ascii=False)


def feedback_frame(outcome: Outcome) -> str:
    """Return the frame that tells what is stored of a visitor's feedback, and whether to ask for more."""
    chat_id = outcome.feedback.chat_id
    content = {"chat": chat_id} | feedback_state(outcome.feedback) | {"ask": outcome.ask}
    return json.dumps({"feedback": content}, ensure_ascii=False)


def feedback_state(feedback: Feedback | None) -> dict[str, object]:
    """Return what the page shows of the feedback on one answer; None stands for no feedback."""
    feedback = feedback or Feedback()
    return {
        "thumb": feedback.thumb,
        "reaction": feedback.reaction,
        "suggested": bool(feedback.suggestion),
        "ask": False,
    }


def error_frame(code: str, client_id: str = "", chat_id: int | None = None) -> str:
    """Return the frame that tells what went wrong, in the active language."""
    content: dict[str, Any] = {"error": {"code": code, "detail": str(DETAILS[code])}}
    if client_id:
        content["id"] = client_id
    if chat_id is not None:
        content["chat"] = chat_id
    return json.dumps(content, ensure_ascii=False)
