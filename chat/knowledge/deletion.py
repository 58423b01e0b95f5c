"""What becomes of what rows taught when they are deleted: forgotten in every process, but for what was judged wrong."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Q, QuerySet

from chat.knowledge.revision import Forgotten, MemoryRevision
from chat.knowledge.verdicts import Verdict, wrong_answers
from core.memory import digest
from core.text import question_key

_AT_ONCE = 2000  # rows of one statement


def forget(chats: QuerySet[Any]) -> None:
    """Note that rows are about to be deleted, in the transaction that deletes them: a few statements for any number."""
    revision = MemoryRevision.advance()
    chats = chats.order_by().select_related(None)
    rows = chats.values_list("pk", flat=True)
    Forgotten.objects.bulk_create((Forgotten(row=row, revision=revision) for row in rows), batch_size=_AT_ONCE)
    Verdict.objects.bulk_create(_verdicts(chats, revision), batch_size=_AT_ONCE)


def _verdicts(chats: QuerySet[Any], revision: int) -> Iterator[Verdict]:
    judged = chats.filter(Q(verify="delete") | ~Q(correction=""))
    for chat in judged.only("question_key", "answer", "correction", "verify", "source", "session"):
        rejected = chat.verify == "delete"
        keys = [digest(question_key(answer)) for answer in wrong_answers(chat)]
        if not rejected and digest(question_key(chat.correction)) in keys:
            continue  # wrong by its marks alone: without the right spelling beside it, that says nothing
        for key in keys or ([""] if rejected else []):
            yield Verdict(
                question_key=chat.question_key,
                answer_key=key,
                rejected=rejected,
                session=chat.session,
                revision=revision,
            )
