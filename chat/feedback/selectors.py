"""Reads: what visitors said of answers, and what they are told came of it."""

from dataclasses import asdict, dataclass

from django.db.models import F, Q, QuerySet

from chat.models import Chat, Feedback

MOST_NOTES = 5


@dataclass(frozen=True, slots=True)
class Note:
    """What a visitor taught: a question of theirs and the answer that it has now."""

    chat: int
    question: str
    answer: str
    feedback: int

    def as_context(self) -> dict[str, object]:
        """Return what the page shows."""
        note = asdict(self)
        del note["feedback"]
        return note


def taught(*, visitor: str) -> list[Note]:
    """Return what came of a visitor's suggestions and complaints and was not told yet, the newest first.

    That is a correction that a reviewer approved after the visitor had spoken; an answer that was approved as it
    stood has taught nothing.
    """
    if not visitor:
        return []
    corrected = ~Q(chat__correction="") & ~Q(chat__correction=F("chat__answer"))
    heard = (
        _unheard(visitor)
        .filter(corrected, chat__verify=Chat.Verify.APPROVED, chat__reviewed_at__gt=F("created_at"))
        .order_by("-chat__reviewed_at", "-pk")
        .values_list("chat_id", "chat__question", "chat__correction", "pk")
    )
    return [Note(*row) for row in heard[:MOST_NOTES]]


def _unheard(visitor: str) -> QuerySet[Feedback]:
    return Feedback.objects.counted().complaints().filter(visitor__key=visitor, told_at__isnull=True)
