"""Writes: every change of a stored exchange. Callers are consumers, admin and commands; rules live here.

Each function is one transaction, so that callers need none of their own. Whatever changes what a row teaches gives
the row the next number of `MemoryRevision`, by which every process learns of it.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Protocol

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from chat.models import Category, Chat, MemoryRevision, Visitor
from chat.selectors import approved_twins
from core.reply import Candidate, Near
from core.text import normalise

_AT_ONCE = 2000  # rows of one statement


class Answer(Protocol):
    """What a responder gave, as `core.reply.Reply` describes it."""

    text: str
    source: str
    score: float
    model: str
    nearest: Sequence[Near]
    candidates: Sequence[Candidate]
    offers: Sequence[str]
    blocked: bool


@dataclass(frozen=True, slots=True)
class NewPair:
    """A question and answer on their way in from a file."""

    question: str
    answer: str
    category: str = ""


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a batch of pairs; the three numbers add up to the size of the batch."""

    new: int
    approved: int
    duplicates: int


def pair_key(question: str, answer: str) -> str:
    """Return what identifies a pair: a digest of its normalised question and answer."""
    return hashlib.sha256(f"{normalise(question)}\0{normalise(answer)}".encode()).hexdigest()


# --- Exchanges ----------------------------------------------------------------------------------------------


@transaction.atomic
def store_question(*, visitor: str, room: str, question: str, client_id: str = "") -> Chat:
    """Store a question, or find the one the visitor sent with the same ``client_id``; return its row."""
    if not Visitor.objects.filter(key=visitor).exists():
        Visitor.objects.bulk_create([Visitor(key=visitor)], ignore_conflicts=True)
    fields = {"room": room, "question": question}
    if not client_id:
        return Chat.objects.create(session=visitor, **fields)
    chat, _created = Chat.objects.get_or_create(session=visitor, client_id=client_id, defaults=fields)
    return chat


@transaction.atomic
def store_answer(*, chat_id: int, answer: Answer) -> Chat:
    """Store the answer of a question that has none, and return the row with the answer that counts.

    The first answer stays: two processes may work on one question, and a visitor is told one thing. Raises
    Chat.DoesNotExist when the row was deleted meanwhile.
    """
    Chat.objects.filter(pk=chat_id, answered_at__isnull=True).update(
        answer=answer.text,
        source=answer.source,
        score=min(max(answer.score, 0.0), 1.0),
        model_version=answer.model,
        nearest=[asdict(near) for near in answer.nearest],
        candidates=[asdict(candidate) for candidate in answer.candidates],
        offers=list(answer.offers),
        blocked=answer.blocked,
        answered_at=timezone.now(),
    )
    return Chat.objects.get(pk=chat_id)


# --- Review -------------------------------------------------------------------------------------------------


@transaction.atomic
def save_review(*, chat: Chat, changed: Iterable[str], reviewer: AbstractBaseUser) -> None:
    """Save the fields a reviewer changed, and who changed them and when. What was served stays as it is.

    Only the named fields are written, so an answer that arrives meanwhile is not lost.
    """
    fields = set(changed) & {"question", "answer", "correction", "verify", "canary", "category"}
    if chat.is_conversation:
        fields -= {"question", "answer"}
    if fields & {"question", "answer"}:
        chat.pair_key = pair_key(chat.question, chat.answer)
        fields |= {"pair_key", "question_key"}
    if fields & {"question", "answer", "correction", "verify"} or ("canary" in fields and chat.canary):
        # First the row, then the revision, as whoever has locked the row before: the other way round, two reviewers
        # of one row could wait for each other.
        Chat.objects.select_for_update().filter(pk=chat.pk).values_list("pk").first()
        chat.reviewer = reviewer
        chat.reviewed_at = timezone.now()
        chat.revision = MemoryRevision.advance()
        fields |= {"reviewer", "reviewed_at", "revision"}
    if fields:
        chat.save(update_fields=fields)
    if "verify" in fields and chat.verify == Chat.Verify.DELETE:
        _reject_twins([chat], {name: getattr(chat, name) for name in ("reviewer", "reviewed_at", "revision")})


@transaction.atomic
def add_pair(*, chat: Chat, origin: Chat.Origin, reviewer: AbstractBaseUser) -> None:
    """Store a pair that a reviewer brings. Raises IntegrityError when the same pair is stored already."""
    now = timezone.now()
    chat.origin = origin
    chat.pair_key = pair_key(chat.question, chat.answer)
    chat.answered_at = now
    chat.reviewer = reviewer
    chat.reviewed_at = now
    chat.revision = MemoryRevision.advance()
    chat.save(force_insert=True)


@transaction.atomic
def set_verify(*, chats: QuerySet[Chat], verify: Chat.Verify, reviewer: AbstractBaseUser) -> int:
    """Give the same decision to many rows; return how many have it now.

    What was said for want of an answer is not approved: it would be learned as one. Rows that were approved with an
    answer which is rejected with them, for the same question, are rejected too.
    """
    review = _review_by(reviewer)
    if verify == Chat.Verify.APPROVED:
        chats = chats.exclude(source=Chat.Source.FALLBACK, correction="")
    count = chats.order_by().update(verify=verify, **review)
    if verify == Chat.Verify.DELETE:
        count += _reject_twins(Chat.objects.filter(revision=review["revision"]).iterator(), review)
    return count


@transaction.atomic
def save_reviews(*, chats: Sequence[Chat], reviewer: AbstractBaseUser) -> None:
    """Save the decision and the correction of many rows, which the caller has locked, as one review of all of them."""
    review = _review_by(reviewer)
    for chat in chats:
        for name, value in review.items():
            setattr(chat, name, value)
    Chat.objects.bulk_update(chats, ["correction", "verify", *review])
    _reject_twins([chat for chat in chats if chat.verify == Chat.Verify.DELETE], review)


@transaction.atomic
def set_canary(*, chats: QuerySet[Chat], canary: bool, reviewer: AbstractBaseUser) -> int:
    """Mark many rows as answers that must always hold, or no longer; return how many changed.

    Marking one is a review of its answer, and as the newest it counts. Taking the mark away says nothing of it.
    """
    changing = chats.order_by().exclude(canary=canary)
    if not canary:
        return changing.update(canary=False)
    review = _review_by(reviewer)
    return changing.update(canary=True, **review)


@transaction.atomic
def set_category(*, chats: QuerySet[Chat], category: Category | None) -> int:
    """Put many rows into one category (None: into none); return how many."""
    return chats.order_by().update(category=category)


def _reject_twins(rejected: Iterable[Chat], review: dict[str, Any]) -> int:
    """Reject what was approved before with an answer that is rejected now for the same question; return how many.

    Otherwise it would go on being said, and be learned again.
    """
    twins = iter(approved_twins(rejected))
    count = 0
    while some := list(islice(twins, _AT_ONCE)):
        count += Chat.objects.filter(pk__in=some).update(verify=Chat.Verify.DELETE, **review)
    return count


def _review_by(reviewer: AbstractBaseUser) -> dict[str, Any]:
    """Return what every review notes: who, when, and its place in the order of changes."""
    return {"reviewer": reviewer, "reviewed_at": timezone.now(), "revision": MemoryRevision.advance()}


def stored_pair(*, question: str, answer: str) -> Chat | None:
    """Return the row that holds this pair already, however it is spaced; conversations do not count."""
    return Chat.objects.filter(pair_key=pair_key(question, answer)).first()


# --- Bulk ---------------------------------------------------------------------------------------------------


@transaction.atomic
def add_pairs(*, pairs: Sequence[NewPair], origin: Chat.Origin, approve: bool) -> Added:
    """Store a batch of pairs, leaving out those that are stored already (or twice in the batch).

    With ``approve`` the new rows are approved, and so are stored ones that nobody has decided on yet; a row
    marked for deletion stays marked.
    """
    keyed = {pair_key(pair.question, pair.answer): pair for pair in reversed(pairs)}
    known = dict(Chat.objects.filter(pair_key__in=list(keyed)).values_list("pair_key", "verify"))
    fresh = {key: pair for key, pair in reversed(keyed.items()) if key not in known}
    categories = _categories({pair.category for pair in fresh.values() if pair.category})
    now = timezone.now()
    revision = MemoryRevision.advance() if approve else 0
    Chat.objects.bulk_create(
        Chat(
            question=pair.question,
            answer=pair.answer,
            category=categories.get(pair.category),
            origin=origin,
            verify=Chat.Verify.APPROVED if approve else Chat.Verify.PENDING,
            answered_at=now,
            reviewed_at=now if approve else None,
            pair_key=key,
            revision=revision,
        )
        for key, pair in fresh.items()
    )
    undecided = [key for key, verify in known.items() if verify == Chat.Verify.PENDING]
    approved = _approve_pending(undecided, revision) if approve else 0
    return Added(new=len(fresh), approved=approved, duplicates=len(pairs) - len(fresh) - approved)


def _categories(names: set[str]) -> dict[str, Category]:
    Category.objects.bulk_create((Category(name=name) for name in sorted(names)), ignore_conflicts=True)
    return {category.name: category for category in Category.objects.filter(name__in=names)}


def _approve_pending(keys: list[str], revision: int) -> int:
    pending = Chat.objects.filter(pair_key__in=keys, verify=Chat.Verify.PENDING)
    return pending.update(verify=Chat.Verify.APPROVED, reviewed_at=timezone.now(), revision=revision)
