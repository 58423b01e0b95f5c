"""Everything that helps to decide on one row, as the page shows it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.inbox import claims, groups, queue
from chat.inbox.models import Decision
from chat.inbox.reviewed import Earlier, earlier
from chat.models import Chat, Feedback
from core.text import normalise

CHOICES = 5
_WEAK, _WEAK_CHOICES = 0.1, 2  # a score below which a candidate is hardly ever right, and how many of these are shown
_BEFORE, _AFTER = 3, 2  # exchanges of the same visitor around the one in question


@dataclass(frozen=True, slots=True)
class Choice:
    """An answer that can be chosen with one key: its number, its words, and who had the idea."""

    number: int
    text: str
    origin: str
    by_visitor: bool


@dataclass(frozen=True, slots=True)
class Card:
    """One row before a reviewer.

    ``group`` are open rows whose question is nearly the same, claimed together with it, without some of them while
    ``gathering``; ``same_visitor`` is how many open suggestions the visitor has made; ``asked`` how often the very
    question was asked.
    """

    chat: Chat
    feedback: Feedback | None
    before: list[Chat]
    after: list[Chat]
    choices: list[Choice]
    group: list[Chat]
    earlier: list[Earlier]
    nearest: list[dict[str, object]]
    proposal: Decision | None
    asked: int
    same_visitor: int
    gathering: bool

    @property
    def is_unknown(self) -> bool:
        """Whether the bot only said that it does not know, so that there is nothing to approve."""
        return self.chat.source == Chat.Source.FALLBACK and not self.chat.correction

    @property
    def draft(self) -> str:
        """What a correction starts from."""
        return "" if self.is_unknown else str(self.chat.correction or self.chat.answer)

    @property
    def rows(self) -> list[int]:
        """The rows that are claimed for it."""
        return [self.chat.pk, *(chat.pk for chat in self.group)]


def next_card(*, user: AbstractBaseUser, filters: queue.Filters, passed: Sequence[int] = ()) -> Card | None:
    """Claim the row that a reviewer should see next, without those that they passed over, and return its card.

    None where nothing is left. What the reviewer had before is given back.
    """
    while row := queue.queue(user=user, filters=filters).exclude(pk__in=passed).values_list("pk", flat=True).first():
        card = card_of(user=user, row=row)
        if card is not None:
            return card
        passed = [*passed, row]  # somebody was quicker
    claims.release(user=user)
    return None


def card_of(*, user: AbstractBaseUser, row: int) -> Card | None:
    """Claim a row with those like it, and return its card; None where it is decided on or somebody else has it."""
    if row not in claims.take(user=user, rows=[row]):
        return None
    chat = queue.undecided().with_best_answer().filter(pk=row).first()
    if chat is None:
        claims.release(user=user)
        return None
    like_it = list(_group(user, chat))
    claimed = claims.take(user=user, rows=[other.pk for other in like_it])
    group = [other for other in like_it if other.pk in claimed]
    claims.release(user=user, but={row, *claimed})
    return _card(chat, group)


def _group(user: AbstractBaseUser, chat: Chat) -> Iterable[Chat]:
    rows = groups.group_of(chat).with_best_answer().select_related("feedback", "feedback__visitor")
    if settings.SECOND_APPROVAL:  # proposals wait for somebody else, one by one
        rows = rows.exclude(pk__in=Decision.objects.proposing().values("chat"))
    return rows[: groups.MOST]


def _card(chat: Chat, group: list[Chat]) -> Card:
    feedback = Feedback.objects.counted().select_related("visitor").filter(chat=chat).first()
    said = [feedback] if feedback else []
    said += [other.feedback for other in group if getattr(other, "feedback", None)]
    around = Chat.objects.conversation().filter(session=chat.session) if chat.session else Chat.objects.none()
    return Card(
        chat=chat,
        feedback=feedback,
        before=list(around.filter(pk__lt=chat.pk).order_by("-pk")[:_BEFORE])[::-1],
        after=list(around.filter(pk__gt=chat.pk).order_by("pk")[:_AFTER]),
        choices=_choices(chat, said, [chat, *group]),
        group=group,
        earlier=earlier(chat),
        nearest=_stored(chat.nearest),
        proposal=Decision.objects.proposing().filter(chat=chat).select_related("user").order_by("-pk").first(),
        asked=Chat.objects.conversation().filter(question_key=chat.question_key).count(),
        same_visitor=_suggestions_of(chat.session),
        gathering=not groups.open_questions().is_complete,
    )


def _choices(chat: Chat, said: Iterable[Feedback], rows: Iterable[Chat]) -> list[Choice]:
    """What visitors suggested, most of them first, then what else could have been answered; not what was."""
    wanted: dict[str, list[Feedback]] = {}
    for feedback in said:
        if normalise(feedback.suggestion):
            wanted.setdefault(normalise(feedback.suggestion), []).append(feedback)
    ideas = [(text, _origin(by), True) for text, by in sorted(wanted.items(), key=lambda item: -_weight(item[1]))]
    for candidate in _worth_showing(candidate for row in rows for candidate in row.candidates):
        origin = f"{_source(candidate['source'])} {candidate['score']:.0%}"
        ideas.append((normalise(candidate["text"]), origin, False))
    seen = {normalise(chat.correction or chat.answer), ""}
    fresh = [idea for idea in ideas if not (idea[0] in seen or seen.add(idea[0]))]
    return [Choice(number, *idea) for number, idea in enumerate(fresh[:CHOICES], start=1)]


def _worth_showing(candidates: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Leave out all but a few of those that are hardly ever right: they only hide the box to write in."""
    weak = 0
    for candidate in candidates:
        weak += candidate["score"] < _WEAK
        if candidate["score"] >= _WEAK or weak <= _WEAK_CHOICES:
            yield candidate


def _weight(by: Sequence[Feedback]) -> int:
    """A visitor whom staff trust weighs more than any number of others."""
    return len(by) + 1000 * any(one.visitor.trusted for one in by)


def _origin(by: Sequence[Feedback]) -> str:
    if any(one.visitor.trusted for one in by):
        return _("믿을 만한 방문자의 제안")
    visitors = len({one.visitor_id for one in by})
    return ngettext("방문자 %d명의 제안", "방문자 %d명의 제안", visitors) % visitors


def _source(source: str) -> str:
    return str(dict(Chat.Source.choices).get(source, source))


def _stored(nearest: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    """The reviewed rows that were nearest when the answer was given; ``stored`` tells which are still there."""
    stored = set(Chat.objects.filter(pk__in=[near["row"] for near in nearest]).values_list("pk", flat=True))
    return [{**near, "stored": near["row"] in stored} for near in nearest]


def _suggestions_of(visitor: str) -> int:
    if not visitor:
        return 0
    suggested = Feedback.objects.counted().exclude(suggestion="").filter(visitor__key=visitor)
    rows = list(suggested.values_list("chat", flat=True))  # few: a query within the query goes through the whole queue
    return queue.waiting().filter(pk__in=rows).count()
