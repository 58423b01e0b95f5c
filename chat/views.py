"""The chat page's http side: the page itself, this visitor's history, and a sign of life."""

import logging
from uuid import uuid4

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_safe

from chat import selectors
from chat.feedback.selectors import taught
from chat.frames import MAX_MESSAGE_LENGTH, feedback_state
from chat.models import Chat
from chat.responder import opened_responder
from core.registry import Registry, RegistryError
from core.reply import Responder

logger = logging.getLogger(__name__)

ROOM = "main"
VISITOR_AGE = 365 * 24 * 3600  # seconds a browser is known as the same visitor


@never_cache
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show the chat page, and give a new browser the session cookie its websocket is known by."""
    if "visitor" not in request.session:
        request.session["visitor"] = uuid4().hex
        if not request.user.is_authenticated:
            request.session.set_expiry(VISITOR_AGE)
    context = {
        "room": ROOM,
        "max_message_length": MAX_MESSAGE_LENGTH,
        "is_staff": request.user.is_staff,
        "taught": [note.as_context() for note in taught(visitor=request.session["visitor"])],
    }
    return render(request, "chat/index.html", context)


@never_cache
@require_GET
def history(request: HttpRequest) -> JsonResponse:
    """Return this visitor's last exchanges, oldest first; nobody else's can be asked for."""
    past = selectors.history(visitor=request.session.get("visitor", ""))
    return JsonResponse({"messages": [_as_message(chat) for chat in past.chats], "more": past.more})


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Say that the server is up, which model answers here, and whether one is loaded.

    For a moment after a publication that is still the model before, until the new one is loaded and warm.
    """
    responder = opened_responder()
    model = responder.model if isinstance(responder, Responder) else _live_model()
    return JsonResponse({"status": "ok", "model": model, "ready": responder is not None})


def _as_message(chat: Chat) -> dict[str, object]:
    return {
        "chat": chat.pk,
        "id": chat.client_id,
        "question": chat.question,
        "answer": chat.answer if chat.is_answered else None,
        "asked_at": chat.created_at.isoformat(),
        "answered_at": chat.answered_at.isoformat() if chat.answered_at else None,
        "offers": chat.offers,
        "feedback": feedback_state(getattr(chat, "feedback", None)),
    }


def _live_model() -> str | None:
    if settings.OUT_DIR is not None:
        # Called after its run, as the responder calls it.
        return settings.OUT_DIR.parent.name if settings.OUT_DIR.name == "model" else settings.OUT_DIR.name
    try:
        run = Registry(settings.DATA_DIR).current()
    except RegistryError as error:
        logger.error("no live model: %s", error)
        return None
    return run.name if run else None
