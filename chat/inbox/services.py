"""Decisions of reviewers, and taking them back. Each function is one transaction.

What a row teaches changes through `chat.services.save_review` alone, also when a decision is taken back: so every
process learns of it at once.
"""

import uuid
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import Min, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from chat import services
from chat.inbox import claims
from chat.inbox.errors import InboxError
from chat.inbox.models import Claim, Decision
from chat.models import Chat
from chat.selectors import approved_twins
from chat.training.selectors import last_training
from core.text import normalise

UNDOABLE = 20  # of one's own decisions; a group decided at once is one

_AT_ONCE = 1000  # rows of one statement
_UNREAD = ("nearest", "candidates", "offers")  # what no decision is made by, and is most of a row

_LINES = 100  # of the history, looked at at once

Kind = Decision.Kind
HOLDING = (Kind.APPROVE, Kind.CORRECT)  # an answer to be right


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of a decision: rows it holds for, rows that somebody else was quicker with, rows to be seen again."""

    rows: int
    missed: int
    proposed: int


@dataclass(frozen=True, slots=True)
class Undone:
    """What came of taking a decision back: its kind, the rows that are as before, those that changed since."""

    kind: Kind
    rows: list[int]
    changed: int


@transaction.atomic
def decide(
    *,
    user: AbstractBaseUser,
    kind: Kind,
    row: int,
    others: Collection[int] = (),
    answer: str = "",
    replaced: Collection[int] = (),
) -> Decided:
    """Decide on a row, and the same on ``others``, which are nearly the same question.

    To approve is to hold the row's answer to be right, to correct ``answer``; either is right for the others too.
    ``replaced`` are rows approved before whose answer shall be this one from now on. To reject is to reject what was
    approved with this very answer before, too. Raises InboxError.
    """
    chats = {chat.pk: chat for chat in _locked({row, *others})}
    head = _decidable(chats.get(row), user)
    taken = claims.others(user=user, rows=chats)
    rest = [chat for chat in chats.values() if chat.pk not in {row, *taken} and _is_open(chat)]
    right = _right_answer(head, kind, answer)
    batch = uuid.uuid4()
    twins = _locked(approved_twins([head, *rest])) if kind == Kind.REJECT else []
    decisions = [_decide_on(chat, kind, right, user, batch) for chat in (head, *twins)]
    agreed = head.question_key if kind in HOLDING and head.verify == Chat.Verify.APPROVED else None
    decisions += [_decide_on(chat, kind, right, user, batch, agreed=agreed == chat.question_key) for chat in rest]
    if kind in HOLDING and head.verify == Chat.Verify.APPROVED:  # a proposal alone replaces nothing
        decisions += [_replace(chat, right, user, batch) for chat in _locked(replaced) if _is_replaceable(chat)]
    Decision.objects.bulk_create(decisions)
    Claim.objects.filter(chat__in=[chat.pk for chat in (head, *rest)]).delete()
    proposed = sum(one.after["verify"] == Chat.Verify.PENDING for one in decisions) if kind in HOLDING else 0
    return Decided(rows=len(decisions), missed=len({row, *others}) - 1 - len(rest), proposed=proposed)


@transaction.atomic
def decide_on_all(*, user: AbstractBaseUser, verify: Chat.Verify, chats: QuerySet[Chat]) -> int:
    """Approve or reject many rows as `chat.services.set_verify` does, each with its line; return how many have it now.

    All lines are one decision, which is taken back as one; there are as few statements a row as without them.
    """
    batch, count = uuid.uuid4(), 0
    seen: set[int] = set()
    for some in _parts(chats.order_by().values_list("pk", flat=True)):
        rows = [chat for chat in _locked(some) if chat.pk not in seen]
        if verify == Chat.Verify.APPROVED:
            rows = [chat for chat in rows if _holds_an_answer(chat)]
        twins = _locked(approved_twins(rows)) if verify == Chat.Verify.DELETE else []
        changing = {chat.pk: chat for chat in (*rows, *twins)}
        chosen = Chat.objects.filter(pk__in=[chat.pk for chat in rows])
        count += services.set_verify(chats=chosen, verify=verify, reviewer=user)
        seen |= changing.keys()
        Decision.objects.bulk_create(_lines(changing.values(), verify, user, batch))
    return count


@transaction.atomic
def review(*, user: AbstractBaseUser, chat: Chat, changed: Collection[str], batch: uuid.UUID | None = None) -> None:
    """Save what was changed on a chat's own page; a decision among it stands in the history and can be taken back.

    What shares a `batch` is taken back together.
    """
    (stored,) = _locked([chat.pk])
    if (stored.verify, stored.correction) == (chat.verify, chat.correction) or chat.verify == Chat.Verify.PENDING:
        services.save_review(chat=chat, changed=changed, reviewer=user)
        return
    kind = Kind.REJECT if chat.verify == Chat.Verify.DELETE else Kind.APPROVE
    twins = _locked(set(approved_twins([chat])) - {chat.pk}) if kind == Kind.REJECT else []
    before, batch = _fields(stored), batch or uuid.uuid4()
    services.save_review(chat=chat, changed=changed, reviewer=user)
    decisions = [_decision(chat, kind, before, user, batch)]
    decisions += [_decide_on(twin, kind, "", user, batch) for twin in twins]
    Decision.objects.bulk_create(decisions)


@transaction.atomic
def add(*, user: AbstractBaseUser, chat: Chat, origin: Chat.Origin, batch: uuid.UUID | None = None) -> None:
    """Store a pair that a reviewer brings; what they decided on it at once stands in the history too.

    Raises IntegrityError when the same pair is stored already.
    """
    services.add_pair(chat=chat, origin=origin, reviewer=user)
    if chat.verify != Chat.Verify.PENDING:
        kind = Kind.REJECT if chat.verify == Chat.Verify.DELETE else Kind.APPROVE
        undecided = {"verify": Chat.Verify.PENDING.value, "reviewer": None, "reviewed_at": None}
        _decision(chat, kind, _fields(chat) | undecided, user, batch or uuid.uuid4()).save(force_insert=True)


@transaction.atomic
def undo(*, user: AbstractBaseUser, batch: uuid.UUID | None = None) -> Undone:
    """Take back one of the user's last decisions, the newest unless ``batch`` names another.

    A row that somebody has changed since stays as it is. Raises InboxError when there is none to take back.
    """
    wanted = next((one for one in undoable(user=user) if batch in (None, one)), None)
    if wanted is None:
        raise InboxError(_("되돌릴 결정이 없어요. 내가 한 결정 가운데 마지막 %d번까지 되돌릴 수 있어요.") % UNDOABLE)
    decisions = list(Decision.objects.select_for_update().filter(batch=wanted, user=user).order_by("pk"))
    chats = {chat.pk: chat for chat in _locked(one.chat_id for one in decisions if one.chat_id)}
    restored = [one for one in decisions if one.chat_id in chats and _is_as_left(chats[one.chat_id], one)]
    _restore([(chats[one.chat_id], one) for one in restored if _did_something(one)], user)
    Decision.objects.filter(batch=wanted, user=user).update(undone_at=timezone.now())
    return Undone(Kind(decisions[0].kind), [one.chat_id for one in restored], len(decisions) - len(restored))


def undoable(*, user: AbstractBaseUser) -> list[uuid.UUID]:
    """Return which of the user's last decisions can be taken back, the newest first."""
    newest: dict[uuid.UUID, bool] = {}
    lines = Decision.objects.filter(user=user).order_by("-pk")
    while some := list(lines.values_list("batch", "undone_at")[:_LINES]):
        for batch, undone_at in some:
            if batch not in newest and len(newest) == UNDOABLE:
                return [batch for batch, stands in newest.items() if stands]
            newest[batch] = undone_at is None
        # The last one may be of a hundred thousand lines: on to what was decided before it.
        begun = Decision.objects.filter(batch=some[-1][0], user=user).aggregate(first=Min("pk"))["first"]
        lines = lines.filter(pk__lt=begun)
    return [batch for batch, stands in newest.items() if stands]


# --- One row --------------------------------------------------------------------------------------------------


def _locked(rows: Iterable[int]) -> list[Chat]:
    chats = Chat.objects.select_for_update(of=("self",)).defer(*_UNREAD).order_by("pk")
    return [chat for some in _parts(sorted(set(rows))) for chat in chats.filter(pk__in=some)]


def _parts(rows: Iterable[int]) -> Iterator[list[int]]:
    iterator = iter(rows)
    while some := list(islice(iterator, _AT_ONCE)):
        yield some


def _holds_an_answer(chat: Chat) -> bool:
    return bool(chat.correction) or chat.source != Chat.Source.FALLBACK


def _decidable(chat: Chat | None, user: AbstractBaseUser) -> Chat:
    if chat is None:
        raise InboxError(_("그 대화는 지워졌어요. 다음 질문으로 넘어갈게요."))
    if not _is_open(chat):
        raise InboxError(_("다른 검토자가 먼저 결정했어요. 다음 질문으로 넘어갈게요."))
    if claims.others(user=user, rows=[chat.pk]):
        raise InboxError(_("자리를 비운 사이에 다른 검토자가 이 질문을 맡았어요. 다음 질문으로 넘어갈게요."))
    return chat


def _is_open(chat: Chat) -> bool:
    return chat.is_conversation and chat.is_answered and chat.verify == Chat.Verify.PENDING


def _right_answer(chat: Chat, kind: Kind, answer: str) -> str:
    """Return the answer that a decision holds to be right, the empty string where it holds none."""
    if kind not in HOLDING:
        return ""
    if kind == Kind.APPROVE:
        answer = chat.correction or chat.answer
        if not _holds_an_answer(chat):
            raise InboxError(_("모른다고 한 말은 승인할 수 없어요. 알맞은 답을 적어 주세요."))
    if not normalise(answer):
        raise InboxError(_("답이 비어 있어요. 알맞은 답을 적어 주세요."))
    return answer.strip()


def _decide_on(
    chat: Chat, kind: Kind, right: str, user: AbstractBaseUser, batch: uuid.UUID, *, agreed: bool = False
) -> Decision:
    """Write one decision into its row; return the line of the history that tells of it, not stored yet.

    ``agreed`` tells that the answer is approved already for the very same question, in another row.
    """
    before = _fields(chat)
    if kind == Kind.REJECT:
        chat.verify = Chat.Verify.DELETE
        services.save_review(chat=chat, changed=["verify"], reviewer=user)
    elif kind in HOLDING:
        chat.correction = "" if right == chat.answer and chat.source != Chat.Source.FALLBACK else right
        chat.verify = Chat.Verify.APPROVED if agreed or _is_enough(chat, right, user) else Chat.Verify.PENDING
        services.save_review(chat=chat, changed=["correction", "verify"], reviewer=user)
    return _decision(chat, kind, before, user, batch)


def _replace(chat: Chat, right: str, user: AbstractBaseUser, batch: uuid.UUID) -> Decision:
    """Give a row that was approved with another answer the right one."""
    before = _fields(chat)
    chat.correction = "" if right == chat.answer else right
    services.save_review(chat=chat, changed=["correction"], reviewer=user)
    return _decision(chat, Kind.CORRECT, before, user, batch)


def _is_replaceable(chat: Chat) -> bool:
    return chat.verify == Chat.Verify.APPROVED


def _is_enough(chat: Chat, right: str, user: AbstractBaseUser) -> bool:
    """Whether an answer is approved now: always, or, with SECOND_APPROVAL, once a second reviewer says the same."""
    if not settings.SECOND_APPROVAL:
        return True
    newest = Decision.objects.proposing().filter(chat=chat).order_by("-pk").first()
    return newest is not None and newest.user_id != user.pk and newest.after["answer"] == right


def _decision(chat: Chat, kind: Kind, before: dict[str, Any], user: AbstractBaseUser, batch: uuid.UUID) -> Decision:
    after = _fields(chat)
    if kind in HOLDING:  # of the row itself, whatever was decided on the one before the reviewer
        kind = Kind.APPROVE if after["answer"] == before["answer"] else Kind.CORRECT
    return Decision(
        chat=chat,
        question_key=chat.question_key,
        user=user,
        kind=kind,
        before=before,
        after=after,
        at=timezone.now(),
        batch=batch,
    )


def _lines(chats: Iterable[Chat], verify: Chat.Verify, user: AbstractBaseUser, batch: uuid.UUID) -> Iterator[Decision]:
    """The lines of rows that hold what they held before they were given a decision."""
    kind, now = Kind.REJECT if verify == Chat.Verify.DELETE else Kind.APPROVE, timezone.now()
    for chat in chats:
        before = _fields(chat)
        chat.verify, chat.reviewer, chat.reviewed_at = verify, user, now
        yield _decision(chat, kind, before, user, batch)


# --- Back -----------------------------------------------------------------------------------------------------


def _fields(chat: Chat) -> dict[str, Any]:
    """What a decision may change in a row, and the answer that counts."""
    return {
        "verify": str(chat.verify),
        "correction": chat.correction,
        "answer": chat.correction or chat.answer,
        "reviewer": chat.reviewer_id,
        "reviewed_at": chat.reviewed_at.isoformat() if chat.reviewed_at else None,
    }


def _is_as_left(chat: Chat, decision: Decision) -> bool:
    """Whether a row is still as a decision left it."""
    return (chat.verify, chat.correction) == (decision.after["verify"], decision.after["correction"])


def _did_something(decision: Decision) -> bool:
    before, after = decision.before, decision.after
    return (before["verify"], before["correction"]) != (after["verify"], after["correction"])


def _restore(decided: Collection[tuple[Chat, Decision]], user: AbstractBaseUser) -> None:
    """Give rows back what they held before they were decided on."""
    if not decided:
        return
    for chat, decision in decided:
        chat.verify, chat.correction = decision.before["verify"], decision.before["correction"]
    services.save_reviews(chats=[chat for chat, _decision in decided], reviewer=user)
    trained = last_training()
    # What nobody has learned from is as if it had never been decided on. Otherwise the new date stays, by which the
    # next training sees that something changed.
    unlearned = [(chat, decision) for chat, decision in decided if trained is None or trained < decision.at]
    reviewers = {decision.before["reviewer"] for _chat, decision in unlearned}
    kept = set(get_user_model().objects.filter(pk__in=reviewers).values_list("pk", flat=True))
    for chat, decision in unlearned:
        reviewer, at = decision.before["reviewer"], decision.before["reviewed_at"]
        chat.reviewer_id = reviewer if reviewer in kept else None
        chat.reviewed_at = parse_datetime(at) if at else None
    Chat.objects.bulk_update([chat for chat, _decision in unlearned], ["reviewer", "reviewed_at"])
