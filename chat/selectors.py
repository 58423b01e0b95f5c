"""Reads: every question the rest of the app asks of the database."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.base import SessionBase
from django.db.models import F
from django.http import HttpRequest
from django.utils.module_loading import import_string

from chat.knowledge.verdicts import held_answers
from chat.models import Chat
from core.corpus import Pair
from core.text import normalise

HISTORY_LENGTH = 50
_CHUNK = 2000


@dataclass(frozen=True, slots=True)
class History:
    """The last exchanges of one visitor, oldest first; ``more`` tells whether older ones exist."""

    chats: list[Chat]
    more: bool


def history(*, visitor: str, limit: int = HISTORY_LENGTH) -> History:
    """Return the last ``limit`` exchanges of a visitor, with their feedback. An unknown or empty visitor has none."""
    if not visitor:
        return History(chats=[], more=False)
    asked = Chat.objects.conversation().filter(session=visitor).select_related("feedback")
    newest = list(asked.order_by("-pk")[: limit + 1])
    return History(chats=newest[:limit][::-1], more=len(newest) > limit)


def last_answer(*, visitor: str, before: int) -> str:
    """Return what a visitor was answered last before row ``before``, the empty string for nothing."""
    answered = Chat.objects.conversation().filter(session=visitor, pk__lt=before, answered_at__isnull=False)
    return answered.order_by("-pk").values_list("answer", flat=True).first() or ""


def visitor_of(*, session_key: str | None) -> str:
    """Return the visitor a session cookie belongs to, or the empty string."""
    if not session_key:
        return ""
    store: type[SessionBase] = import_string(settings.SESSION_ENGINE + ".SessionStore")
    return str(store(session_key).get("visitor", ""))


def is_staff(*, session_key: str | None) -> bool:
    """Tell whether a session cookie belongs to somebody who is logged in as staff, now."""
    if not session_key:
        return False
    store: type[SessionBase] = import_string(settings.SESSION_ENGINE + ".SessionStore")
    request = HttpRequest()  # all that Django's own check of a login can be handed
    request.session = store(session_key)
    user = get_user(request)
    return user.is_active and bool(getattr(user, "is_staff", False))


def training_pairs() -> Iterator[Pair]:
    """Stream every approved row as a pair: the correction where there is one, else the answer.

    Nothing comes from visitors who were dropped. The order is that in which the rows were reviewed, for the newest
    decision counts where two disagree. Imported rows that nobody corrected or marked as a canary are bulk data:
    held-out sets may be taken from them alone.
    """
    rows = (
        Chat.objects.approved()
        .of_kept_visitors()
        .with_best_answer()
        .order_by(F("reviewed_at").asc(nulls_first=True), "pk")
        .values_list("pk", "question", "best_answer", "correction", "origin", "category__name", "canary", "session")
    )
    for pk, question, answer, correction, origin, category, canary, visitor in rows.iterator(chunk_size=_CHUNK):
        yield Pair(
            question=question,
            answer=answer,
            bulk=origin == Chat.Origin.IMPORT and not correction and not canary,
            category=category or "",
            row=pk,
            canary=canary,
            visitor=visitor,
        )


def unanswered(*, up_to: int) -> list[Chat]:
    """Return the questions still owed an answer, oldest first, among rows numbered up to ``up_to``."""
    return list(Chat.objects.unanswered().filter(pk__lte=up_to))


def approved_twins(chats: Iterable[Chat]) -> list[int]:
    """Return the rows approved with an answer that one of ``chats`` holds, for the same question."""
    held = {(chat.question_key, normalise(answer)) for chat in chats for answer in held_answers(chat)}
    keys = iter({key for key, _answer in held})
    twins: list[int] = []
    while some := list(islice(keys, _CHUNK)):
        approved = Chat.objects.approved().with_best_answer().filter(question_key__in=some)
        rows = approved.values_list("pk", "question_key", "best_answer")
        twins += [pk for pk, key, answer in rows if (key, normalise(answer)) in held]
    return twins


def last_chat_id() -> int:
    """Return the highest row number given so far, 0 in an empty table."""
    return Chat.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
