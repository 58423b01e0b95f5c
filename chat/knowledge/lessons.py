"""What the reviewed rows teach, read from the database: all of it, or what changed since some revision."""

from collections.abc import Iterator
from typing import NamedTuple

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from chat.knowledge.verdicts import wrong_answers
from chat.models import Chat, Forgotten, Verdict, Visitor
from core.memory import Lesson
from core.text import normalise

_CHUNK = 2000
# A correction makes the served answer wrong at once, also while it waits for its approval.
_REVIEWED = ~Q(verify=Chat.Verify.PENDING) | ~Q(correction="")


class Row(NamedTuple):
    """The columns that a lesson is made of."""

    pk: int
    question: str
    answer: str
    correction: str
    verify: str
    source: str


class Change(NamedTuple):
    """What one row teaches now; None for nothing."""

    row: int
    lesson: Lesson | None


def lesson_of(row: Row) -> Lesson | None:
    """Return what a row teaches: an approved answer, an answer that is wrong, both, or nothing (None)."""
    best = row.correction or row.answer
    right = best if row.verify == Chat.Verify.APPROVED and _says_something(best) else None
    wrong = wrong_answers(row)
    return Lesson(row.pk, row.question, right, wrong) if right is not None or wrong else None


def _says_something(text: str) -> bool:
    """Tell whether anything is left of a text when it is normalised, without that where its first letter tells."""
    return text[:1].isalnum() or bool(normalise(text))


def lessons() -> Iterator[Lesson]:
    """Stream what all rows teach, in the order in which they were decided on, the newest last."""
    for row in _rows(Chat.objects.filter(_REVIEWED).of_kept_visitors()):
        if lesson := lesson_of(row):
            yield lesson


def changes(*, since: int) -> Iterator[Change]:
    """Stream what changed after revision ``since``: rows in the order in which they were decided on.

    With each row come the reviewed rows of the same question, which did not change: told in one order, they
    disagree the same way in every process, whenever it heard of which.
    """
    changed = Chat.objects.filter(revision__gt=since)
    # By its question alone, which an index finds: "changed or alike" would be looked for in the whole table.
    alike = Chat.objects.filter(question_key__in=changed.values("question_key"))
    dropped = Exists(Visitor.objects.dropped().filter(key=OuterRef("session")))
    for row in _rows(alike.filter(Q(revision__gt=since) | _REVIEWED).exclude(dropped)):
        yield Change(row.pk, lesson_of(row))
    for pk in changed.filter(dropped).values_list("pk", flat=True).iterator(chunk_size=_CHUNK):
        yield Change(pk, None)
    for pk in Forgotten.objects.filter(revision__gt=since).values_list("row", flat=True).iterator(chunk_size=_CHUNK):
        yield Change(pk, None)


def verdicts() -> Iterator[tuple[str, str]]:
    """Stream the digests of questions and answers that deleted rows held to be wrong."""
    kept = Verdict.objects.exclude(answer_key="").exclude(session__in=Visitor.objects.dropped().values("key"))
    return kept.values_list("question_key", "answer_key").iterator(chunk_size=_CHUNK)


def verdicts_changed(*, since: int) -> bool:
    """Tell whether `verdicts` may stream others than at revision ``since``."""
    return Verdict.objects.filter(revision__gt=since).exists()


def _rows(chats: QuerySet[Chat]) -> Iterator[Row]:
    in_order = chats.order_by(F("reviewed_at").asc(nulls_first=True), "pk").values_list(*Row._fields)
    return map(Row._make, in_order.iterator(chunk_size=_CHUNK))
