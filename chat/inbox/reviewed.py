"""What was decided on similar questions before: to decide the same again, or to notice that one does not."""

from dataclasses import dataclass

from django.db.models import Q

from chat.models import Chat
from chat.responder import opened_memory
from core.text import normalise

SHOWN = 6  # rows
CONFLICT = 0.85  # least similarity of a question that should not have another answer without somebody choosing so

_LOOKED_AT = 12


@dataclass(frozen=True, slots=True)
class Earlier:
    """A reviewed row and how near its question is, 0 to 1 (the same)."""

    chat: Chat
    similarity: float

    @property
    def percent(self) -> int:
        """The similarity as people read it."""
        return round(100 * self.similarity)


@dataclass(frozen=True, slots=True)
class Conflict:
    """An answer that was approved before, and the rows that it was approved for, the nearest first."""

    answer: str
    rows: tuple[Earlier, ...]


def earlier(chat: Chat, *, limit: int = SHOWN) -> list[Earlier]:
    """Return the decided rows nearest to a row's question, best first, the newest decision first among equals."""
    near = _similarities(chat)
    decided = Q(question_key=chat.question_key) | Q(pk__in=near)
    rows = (
        Chat.objects.filter(decided)
        .exclude(verify=Chat.Verify.PENDING)
        .exclude(pk=chat.pk)
        .of_kept_visitors()
        .with_best_answer()
        .select_related("reviewer")
        .order_by("-reviewed_at", "-pk")[: limit + _LOOKED_AT]
    )
    found = [Earlier(row, 1.0 if row.question_key == chat.question_key else near[row.pk]) for row in rows]
    return sorted(found, key=lambda one: -one.similarity)[:limit]


def conflicts(chat: Chat, answer: str) -> list[Conflict]:
    """Return the other answers that were approved for the same or nearly the same question, the nearest first."""
    found: dict[str, list[Earlier]] = {}
    for one in earlier(chat, limit=_LOOKED_AT):
        other = normalise(one.chat.best_answer)
        if one.chat.verify == Chat.Verify.APPROVED and one.similarity >= CONFLICT and other != normalise(answer):
            found.setdefault(other, []).append(one)
    return [Conflict(rows[0].chat.best_answer, tuple(rows)) for rows in found.values()]


def _similarities(chat: Chat) -> dict[int, float]:
    """Return how near approved rows are: as this process remembers them, else as it was when the answer was given."""
    memory = opened_memory()
    if memory is not None:
        return {match.row: match.similarity for match in memory.find(chat.question, limit=_LOOKED_AT)}
    return {near["row"]: near["similarity"] for near in chat.nearest}
