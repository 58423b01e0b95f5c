"""Which answers a reviewer held to be wrong, and what is kept of that when its row is deleted."""

from typing import Protocol

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.text import normalise

_REJECTED, _FALLBACK = "delete", "fallback"  # values of Chat.Verify and Chat.Source; chat.models imports this module


class Judged(Protocol):
    """The columns of a row that tell what is wrong: a `Chat`, or a part of one."""

    answer: str
    correction: str
    verify: str
    source: str


def wrong_answers(row: Judged) -> tuple[str, ...]:
    """Return the answers of a row that were judged wrong for its question.

    That is what was served and then corrected, also while the correction waits for its approval; and of a rejected row
    whatever it holds. What is said for want of an answer is never wrong.
    """
    if row.verify == _REJECTED:
        return held_answers(row)
    if not row.correction or normalise(row.correction) == normalise(row.answer):
        return ()
    return tuple(answer for answer in held_answers(row) if answer != row.correction)


def held_answers(row: Judged) -> tuple[str, ...]:
    """Return all answers in a row: as served, unless that was said for want of one, and as corrected."""
    served = "" if row.source == _FALLBACK else row.answer
    return tuple(answer for answer in dict.fromkeys((served, row.correction)) if normalise(answer))


class Verdict(models.Model):
    """What a row that is deleted leaves behind: that an answer is wrong for its question, and that it was rejected.

    Digests alone are kept (`core.memory.digest`), so that nobody can read what was deleted. ``answer_key`` is empty
    where no answer was judged wrong, but the question shall not be asked about again.
    """

    question_key = models.CharField(max_length=64)
    answer_key = models.CharField(max_length=64, blank=True, default="")
    rejected = models.BooleanField(default=False)
    session = models.CharField(max_length=64, blank=True, default="")
    revision = models.BigIntegerField(db_index=True)

    class Meta:
        verbose_name = _("지운 대화의 판정")
        default_permissions = ()
        indexes = [
            models.Index(fields=["question_key"], condition=Q(rejected=True), name="verdict_ignores"),
            models.Index(fields=["session"], name="verdict_by_visitor"),
        ]

    def __str__(self) -> str:
        return f"{self.question_key[:8]} {self.answer_key[:8]}".strip()
