"""What was decided on similar questions before: to decide the same again, or to notice that one does not."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import Q

from chat.inbox.likeness import ALIKE, are_alike
from chat.models import Chat
from chat.responder import opened_memory
from chat.selectors import approved_twins
from core.text import normalise

SHOWN = 6  # rows

_LOOKED_AT = 12
_SIMILAR = 0.3  # least similarity of a question that tells anything of another


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
    near = {row: similarity for row, similarity in _similarities(chat).items() if similarity >= _SIMILAR}
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


def conflicts(chat: Chat, answer: str, *, others: Collection[int] = ()) -> list[Conflict]:
    """Return the other answers that were approved for the same or nearly the same question, the nearest first.

    Nearly the same is what would be decided on together, were it open. ``others`` are rows that get the answer too:
    what was approved for their very questions contradicts it as well.
    """
    near = {row: similarity for row, similarity in _similarities(chat).items() if similarity >= ALIKE}
    keys = {chat.question_key, *Chat.objects.filter(pk__in=others).values_list("question_key", flat=True)}
    rows = (
        Chat.objects.approved()
        .filter(Q(question_key__in=keys) | Q(pk__in=near))
        .exclude(pk__in=[chat.pk, *others])
        .of_kept_visitors()
        .with_best_answer()
        .order_by("-reviewed_at", "-pk")
    )
    found = [Earlier(row, 1.0 if row.question_key in keys else near[row.pk]) for row in rows]
    found.sort(key=lambda one: -one.similarity)
    return _by_answer(
        one
        for one in found
        if normalise(one.chat.best_answer) != normalise(answer)
        and (one.similarity == 1.0 or are_alike(chat.question, one.chat.question))
    )


def approved_with(chats: Iterable[Chat]) -> list[Conflict]:
    """Return the answers of rows that were approved for their very questions before, with the rows that have them."""
    rows = Chat.objects.filter(pk__in=approved_twins(chats)).with_best_answer().order_by("-reviewed_at", "-pk")
    return _by_answer(Earlier(row, 1.0) for row in rows)


def _by_answer(found: Iterable[Earlier]) -> list[Conflict]:
    rows: dict[str, list[Earlier]] = {}
    for one in found:
        rows.setdefault(normalise(one.chat.best_answer), []).append(one)
    return [Conflict(some[0].chat.best_answer, tuple(some)) for some in rows.values()]


def _similarities(chat: Chat) -> dict[int, float]:
    """Return how near approved rows are: as this process remembers them, else as it was when the answer was given."""
    memory = opened_memory()
    if memory is not None:
        return {match.row: match.similarity for match in memory.find(chat.question, limit=_LOOKED_AT)}
    return {near["row"]: near["similarity"] for near in chat.nearest}
