"""Writes: what visitors say of their answers, and what staff decide about visitors.

Each function is one transaction. The visitor's row is locked first, so that a quota holds whatever comes at once.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from chat.feedback.selectors import taught
from chat.models import Chat, Feedback, MemoryRevision, Verdict, Visitor
from core.errors import JaramError
from core.text import normalise

# A visitor is asked what an answer should have been at most once in so many answers.
ANSWERS_BETWEEN_ASKING = 10
# An emoji, however many code points it takes: pictures, skin tones, joiners, flags, keycaps. Letters are none.
_EMOJI = re.compile("[\u200d\ufe0f\u20e3\u2190-\u21ff\u2300-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]{1,16}")


class FeedbackError(JaramError):
    """What a visitor sent cannot be taken; ``code`` is a key of `chat.frames.DETAILS`."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class Given:
    """What a visitor says of one answer; None leaves a part as it is, the empty string takes it back."""

    thumb: str | None = None
    reaction: str | None = None
    suggestion: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is stored then, and whether the visitor is to be asked now what the answer should have been."""

    feedback: Feedback
    ask: bool


def is_reaction(text: str) -> bool:
    """Tell whether ``text`` is an emoji, as far as can be told without a list of all."""
    return _EMOJI.fullmatch(text) is not None


@transaction.atomic
def give_feedback(*, visitor: str, chat_id: int, given: Given) -> Outcome:
    """Store what a visitor says of an answer that they got.

    Raises FeedbackError for anybody else's answer, and for a suggestion over the day's quota.
    """
    chat = Chat.objects.conversation().filter(pk=chat_id, session=visitor, answered_at__isnull=False).first()
    if chat is None:
        raise FeedbackError("not_yours", f"{chat_id} is no answer of this visitor")
    person, _created = Visitor.objects.select_for_update().get_or_create(key=visitor)
    feedback = Feedback.objects.filter(chat=chat).first() or Feedback(chat=chat, visitor=person)
    complains = given.thumb == Feedback.Thumb.DOWN and feedback.thumb != Feedback.Thumb.DOWN
    if given.thumb is not None:
        feedback.thumb = given.thumb
    if given.reaction is not None:
        feedback.reaction = given.reaction
    if given.suggestion is not None:
        _suggest(feedback, given.suggestion, timezone.now())
    ask = complains and _may_ask(feedback)
    if ask:
        feedback.asked_at = timezone.now()
    feedback.save()
    return Outcome(feedback, ask)


@transaction.atomic
def mark_told(*, visitor: str, chat_ids: list[int]) -> None:
    """Note that a visitor has seen what came of their feedback on these answers, so that it is told once."""
    seen = [note.feedback for note in taught(visitor=visitor) if note.chat in chat_ids]
    Feedback.objects.filter(pk__in=seen, told_at__isnull=True).update(told_at=timezone.now())


@transaction.atomic
def drop_visitor(*, visitor: Visitor, by: AbstractBaseUser) -> int:
    """Learn nothing from a visitor any more; return how many rows they leave behind. Nothing is deleted.

    Memory forgets at once, in every process; the next training goes without.
    """
    now = timezone.now()
    Visitor.objects.filter(pk=visitor.pk, dropped_at__isnull=True).update(dropped_at=now, dropped_by=by)
    return _touch(visitor)


@transaction.atomic
def restore_visitor(*, visitor: Visitor) -> int:
    """Learn from a visitor again what reviewers approved; return how many rows they have."""
    Visitor.objects.filter(pk=visitor.pk).update(dropped_at=None, dropped_by=None)
    return _touch(visitor)


def _touch(visitor: Visitor) -> int:
    """Let every process look again at what the visitor's rows teach."""
    revision = MemoryRevision.advance()
    visitor.refresh_from_db()
    Verdict.objects.filter(session=visitor.key).update(revision=revision)
    return Chat.objects.conversation().filter(session=visitor.key).update(revision=revision)


def _suggest(feedback: Feedback, text: str, now: datetime) -> None:
    if not normalise(text):
        feedback.suggestion, feedback.suggested_at = "", None
        return
    if not feedback.suggestion and not _may_suggest(feedback.visitor, now):
        raise FeedbackError("enough_today", f"visitor {feedback.visitor} has no suggestion left today")
    feedback.suggestion, feedback.suggested_at = text.strip(), now


def _may_suggest(visitor: Visitor, now: datetime) -> bool:
    """Tell whether one more suggestion is taken today, by the site's time zone."""
    if visitor.is_dropped or visitor.trusted:
        return not visitor.is_dropped
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    given = Feedback.objects.filter(visitor=visitor, suggested_at__gte=midnight).count()
    return given < settings.SUGGESTIONS_PER_DAY


def _may_ask(feedback: Feedback) -> bool:
    """Tell whether the visitor may be asked about this answer: once, seldom, and if a suggestion would be taken."""
    if feedback.suggestion or feedback.asked_at or not _may_suggest(feedback.visitor, timezone.now()):
        return False
    asked = Feedback.objects.filter(visitor=feedback.visitor, asked_at__isnull=False).order_by("-asked_at")
    last = asked.values_list("asked_at", flat=True).first()
    if last is None:
        return True
    answers = Chat.objects.conversation().filter(session=feedback.visitor.key, answered_at__gt=last)
    return answers[:ANSWERS_BETWEEN_ASKING].count() == ANSWERS_BETWEEN_ASKING
