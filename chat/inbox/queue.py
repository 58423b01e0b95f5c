"""Which question is next: what waits for a decision, in the order in which deciding helps most."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    FloatField,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextChoices,
    Value,
    When,
    Window,
)
from django.db.models.functions import Cast, Coalesce, Ln
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.inbox.models import Claim, Decision
from chat.models import Chat, ChatQuerySet, Feedback, Verdict, Visitor

DOUBTFUL = 0.5  # a score below it


class Show(TextChoices):
    """Parts of the queue that a reviewer may look at alone."""

    ALL = "", _("모두")
    COMPLAINTS = "complaints", _("👎·제안")
    UNKNOWN = "unknown", _("모르던 질문")
    DOUBTFUL = "doubtful", _("자신 없던 답")
    SECOND = "second", _("한 번 더 볼 답")
    IGNORED = "ignored", _("넘긴 질문")
    BLOCKED = "blocked", _("막은 질문")


@dataclass(frozen=True, slots=True)
class Filters:
    """What a reviewer wants to see: a part of the queue, one visitor, words in question or answer."""

    show: str = Show.ALL
    visitor: int = 0  # their number, for the key is theirs alone
    words: str = ""

    def as_query(self) -> dict[str, str]:
        """Return the parameters of an address that asks for it."""
        named = {"show": str(self.show), "visitor": self.visitor, "q": self.words}
        return {name: str(value) for name, value in named.items() if value}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the day is: rows that the user and that all reviewers decided on since midnight, and how many wait."""

    mine: int
    everybody: int
    waiting: int

    @property
    def percent(self) -> int:
        """How much of today's work is done."""
        whole = self.everybody + self.waiting
        return 100 * self.everybody // whole if whole else 100


def undecided() -> ChatQuerySet:
    """Return all exchanges that nobody decided on, but for those of dropped visitors."""
    answered = Chat.objects.conversation().filter(verify=Chat.Verify.PENDING, answered_at__isnull=False)
    return answered.of_kept_visitors()


def waiting() -> ChatQuerySet:
    """Return what waits for a decision: exchanges that nobody decided on, of questions that nobody ignored.

    An answer that only repeats what was approved for the very question waits for nobody, unless somebody complained;
    neither does a question that the block list holds back.
    """
    return undecided().exclude(_is_ignored()).exclude(_is_settled()).exclude(_is_blocked())


def ignored() -> ChatQuerySet:
    """Return exchanges that nobody decided on because their question was skipped or rejected."""
    return undecided().filter(_is_ignored())


def blocked() -> ChatQuerySet:
    """Return exchanges that nobody decided on because their question was on the block list."""
    return undecided().exclude(_is_ignored()).filter(_is_blocked())


def queue(*, user: AbstractBaseUser, filters: Filters) -> QuerySet[Chat]:
    """Return the rows that a reviewer may be given, those first where a decision helps most.

    Complaints and suggestions come first, then what the bot did not know, then the rest. Within these, the sum of
    three parts counts: how unsure the answer was, how far the nearest reviewed question is, and how often the
    question was asked (ten times as often counts as much as half a score).
    """
    aside = {Show.IGNORED: ignored, Show.BLOCKED: blocked}  # what does not wait
    rows = _filtered(aside.get(Show(filters.show), waiting)(), filters)
    if settings.SECOND_APPROVAL:
        rows = rows.alias(proposer=_newest_proposer()).filter(Q(proposer__isnull=True) | ~Q(proposer=user.pk))
    taken = Claim.objects.live().exclude(user=user)
    return rows.exclude(pk__in=taken.values("chat")).alias(rank=_rank(), need=_need()).order_by("rank", "-need", "pk")


def progress(*, user: AbstractBaseUser) -> Progress:
    """Return how far the day is."""
    today = Decision.objects.standing().filter(at__gte=midnight())
    counts = today.aggregate(mine=Count("pk", filter=Q(user=user)), everybody=Count("pk"))
    return Progress(**counts, waiting=waiting().count())


def midnight() -> datetime:
    """Return when today began, where the reviewers are."""
    return timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)


# What few rows have is looked up once for all, in a list; what many may have is looked for row by row, in an index.


def _is_ignored() -> Q:
    rejected = Chat.objects.conversation().filter(verify=Chat.Verify.DELETE)
    deleted = Verdict.objects.filter(rejected=True)
    # A rejection holds while its row is rejected, however that came; the decision tells it of rows that are deleted.
    ignoring = Decision.objects.ignoring().exclude(kind=Decision.Kind.REJECT, chat__isnull=False)
    sources = (rejected, deleted, ignoring)
    keys = [Q(question_key__in=rows.order_by().values("question_key")) for rows in sources]
    return keys[0] | keys[1] | keys[2]


def _is_settled() -> Q:
    approved = Chat.objects.approved().filter(question_key=OuterRef("question_key"))
    return Q(source=Chat.Source.MEMORY) & Q(Exists(approved)) & ~_has_complaint()


def _is_blocked() -> Q:
    return Q(blocked=True) & ~_has_complaint()


def _has_complaint() -> Q:
    return Q(pk__in=Feedback.objects.counted().complaints().values("chat"))


def _filtered(rows: ChatQuerySet, filters: Filters) -> ChatQuerySet:
    parts: dict[str, Q] = {
        Show.COMPLAINTS: _has_complaint(),
        Show.UNKNOWN: Q(source=Chat.Source.FALLBACK),
        Show.DOUBTFUL: Q(score__lt=DOUBTFUL) & ~Q(source=Chat.Source.FALLBACK),
        Show.SECOND: Q(Exists(Decision.objects.proposing().filter(chat=OuterRef("pk")))),
    }
    if filters.show in parts:
        rows = rows.filter(parts[filters.show])
    if filters.visitor:
        rows = rows.filter(session__in=Visitor.objects.filter(pk=filters.visitor).values("key"))
    if filters.words:
        rows = rows.filter(Q(question__icontains=filters.words) | Q(answer__icontains=filters.words))
    return rows


def _newest_proposer() -> Subquery:
    proposals = Decision.objects.proposing().filter(chat=OuterRef("pk")).order_by("-pk")
    return Subquery(proposals.values("user")[:1])


def _rank() -> Case:
    # Whoever proposes an answer reviews its row: most rows need not be looked for among the decisions.
    proposed = Q(reviewed_at__isnull=False) & Q(Exists(Decision.objects.proposing().filter(chat=OuterRef("pk"))))
    return Case(
        When(_has_complaint() | proposed, then=0),
        When(source=Chat.Source.FALLBACK, then=1),
        default=2,
        output_field=IntegerField(),
    )


def _need() -> Any:
    asked = Window(Count("pk"), partition_by=[F("question_key")])
    unsure = Value(1.0) - Coalesce(F("score"), Value(0.0))
    unknown = (Value(1.0) - Coalesce(F("similarity"), Value(0.0))) / Value(2.0)
    return unsure + unknown + Ln(Cast(asked, FloatField())) / Value(2 * 2.302585)
