"""What one visitor said of one answer. It is a hint for reviewers and never learned by itself."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from chat.feedback.visitor import Visitor


class FeedbackQuerySet(models.QuerySet["Feedback"]):
    """Named parts of the table."""

    def counted(self) -> Self:
        """What reviewers are shown: nothing from dropped visitors."""
        return self.filter(visitor__dropped_at__isnull=True)

    def complaints(self) -> Self:
        """What says that an answer was not good: a thumb down, or a suggestion of a better one."""
        return self.filter(Q(thumb=Feedback.Thumb.DOWN) | ~Q(suggestion=""))


class Feedback(models.Model):
    """Thumb, reaction and suggestion on one answer, by the visitor who got it.

    ``asked_at`` is when the visitor was asked what the answer should have been, ``told_at`` when they were told
    what came of it; neither happens twice.
    """

    class Thumb(models.TextChoices):
        """Whether the answer was good."""

        UP = "up", _("좋아요")
        DOWN = "down", _("아쉬워요")

    chat = models.OneToOneField(
        "chat.Chat", verbose_name=_("대화"), on_delete=models.CASCADE, related_name="feedback", editable=False
    )
    visitor = models.ForeignKey(
        Visitor, verbose_name=_("방문자"), on_delete=models.CASCADE, related_name="feedback", editable=False
    )
    thumb = models.CharField(_("평가"), max_length=4, choices=Thumb, blank=True, default="", editable=False)
    reaction = models.CharField(_("반응"), max_length=16, blank=True, default="", editable=False)
    suggestion = models.TextField(_("제안한 답"), blank=True, default="", editable=False)
    suggested_at = models.DateTimeField(_("제안한 때"), null=True, blank=True, editable=False)
    asked_at = models.DateTimeField(null=True, blank=True, editable=False)
    told_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("남긴 때"), auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = FeedbackQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("feedback", "의견")
        verbose_name_plural = pgettext_lazy("plural", "의견")
        ordering = ["-pk"]
        default_permissions = ("view",)
        constraints = [
            models.CheckConstraint(condition=Q(thumb__in=["", "up", "down"]), name="feedback_thumb_is_known"),
            models.CheckConstraint(
                condition=Q(suggestion="", suggested_at__isnull=True)
                | (~Q(suggestion="") & Q(suggested_at__isnull=False)),
                name="feedback_suggestion_has_a_time",
            ),
        ]
        indexes = [
            models.Index(fields=["visitor", "suggested_at"], name="feedback_by_suggestion"),
            models.Index(fields=["visitor", "asked_at"], name="feedback_by_asking"),
        ]

    def __str__(self) -> str:
        return self.signs or self.suggestion[:40]

    @property
    def signs(self) -> str:
        """Thumb and reaction as they are drawn."""
        thumb = {self.Thumb.UP: "👍", self.Thumb.DOWN: "👎"}.get(self.thumb, "")
        return f"{thumb} {self.reaction}".strip()
