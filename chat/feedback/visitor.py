"""Somebody who chats, as far as that is known: a random key in a cookie, and what staff think of them."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class VisitorQuerySet(models.QuerySet["Visitor"]):
    """Named parts of the table."""

    def dropped(self) -> Self:
        """Visitors from whom nothing is learned."""
        return self.filter(dropped_at__isnull=False)


class Visitor(models.Model):
    """One browser that asked something. ``key`` is what `Chat.session` holds.

    Nothing that a dropped visitor wrote or led to is learned, remembered or put before reviewers; it is all
    still there, and comes back when the visitor is restored.
    """

    key = models.CharField(_("방문자"), max_length=64, unique=True, editable=False)
    trusted = models.BooleanField(
        _("믿을 만한 방문자"), default=False, help_text=_("하루에 보낼 수 있는 제안 수를 제한하지 않아요.")
    )
    created_at = models.DateTimeField(_("처음 온 때"), auto_now_add=True)
    dropped_at = models.DateTimeField(_("뺀 때"), null=True, blank=True, editable=False)
    dropped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("뺀 사람"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    objects = VisitorQuerySet.as_manager()

    class Meta:
        verbose_name = _("방문자")
        verbose_name_plural = pgettext_lazy("plural", "방문자")
        ordering = ["-pk"]
        default_permissions = ("view", "change")
        permissions = [("drop_visitor", "방문자가 남긴 모든 것을 빼고 되돌릴 수 있어요")]
        indexes = [
            models.Index(fields=["key"], condition=Q(dropped_at__isnull=False), name="visitor_dropped"),
        ]

    def __str__(self) -> str:
        return self.key[:8]

    @property
    def is_dropped(self) -> bool:
        """Whether nothing of theirs is learned."""
        return self.dropped_at is not None
