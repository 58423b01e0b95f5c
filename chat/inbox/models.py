"""Who has a question before them, and who decided what."""

import uuid
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class ClaimQuerySet(models.QuerySet["Claim"]):
    """Named parts of the table."""

    def live(self) -> Self:
        """Those that keep others away; the rest has run out."""
        return self.filter(expires_at__gt=timezone.now())


class Claim(models.Model):
    """A row that a reviewer has before them, so that nobody else is shown it. It runs out by itself."""

    chat = models.OneToOneField("chat.Chat", on_delete=models.CASCADE, related_name="claim")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    expires_at = models.DateTimeField(_("끝나는 때"))

    objects = ClaimQuerySet.as_manager()

    class Meta:
        verbose_name = _("맡은 질문")
        verbose_name_plural = pgettext_lazy("plural", "맡은 질문")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.chat_id}"


class DecisionQuerySet(models.QuerySet["Decision"]):
    """Named parts of the table."""

    def standing(self) -> Self:
        """Those that nobody took back."""
        return self.filter(undone_at__isnull=True)

    def ignoring(self) -> Self:
        """Those after which their question is not asked about again."""
        return self.standing().filter(kind__in=[Decision.Kind.REJECT, Decision.Kind.SKIP])

    def proposing(self) -> Self:
        """Those that hold an answer to be right, which somebody else has yet to see."""
        kinds = [Decision.Kind.APPROVE, Decision.Kind.CORRECT]
        return self.standing().filter(kind__in=kinds, after__verify="pending")


class Decision(models.Model):
    """What one reviewer decided on one row: the history, and what can be taken back.

    Rows decided on at once share a ``batch``. ``before`` and ``after`` hold the row's fields of a review;
    ``question_key`` stays when the row is deleted, so that an ignored question stays ignored.
    """

    class Kind(models.TextChoices):
        """What was decided."""

        APPROVE = "approve", _("승인")
        CORRECT = "correct", _("고침")
        REJECT = "reject", _("삭제필요")
        SKIP = "skip", _("건너뜀")

    chat = models.ForeignKey("chat.Chat", null=True, on_delete=models.SET_NULL, related_name="decisions")
    question_key = models.CharField(max_length=64, blank=True, default="")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("검토자"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    kind = models.CharField(_("결정"), max_length=10, choices=Kind)
    before = models.JSONField(_("전"), default=dict)
    after = models.JSONField(_("뒤"), default=dict)
    at = models.DateTimeField(_("때"), default=timezone.now)
    undone_at = models.DateTimeField(_("되돌린 때"), null=True, blank=True)
    batch = models.UUIDField(default=uuid.uuid4)

    objects = DecisionQuerySet.as_manager()

    class Meta:
        verbose_name = _("결정")
        verbose_name_plural = pgettext_lazy("plural", "결정")
        ordering = ["-pk"]
        # The history is written by deciding: nobody adds, changes or deletes a line of it by hand.
        default_permissions = ("view",)
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["approve", "correct", "reject", "skip"]), name="decision_kind_is_known"
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-id"], name="decision_by_user"),
            models.Index(fields=["at"], name="decision_by_time"),
            models.Index(fields=["batch"], name="decision_by_batch"),
            models.Index(
                fields=["question_key"],
                condition=Q(undone_at__isnull=True, kind__in=["reject", "skip"]),
                name="decision_ignores",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.chat_id or ''}".strip()
