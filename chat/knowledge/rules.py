"""What is neither answered nor said, as staff write it down."""

from typing import Any

from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from chat.knowledge.revision import MemoryRevision


class BlockRule(models.Model):
    """A word or a pattern that no question may hold to be answered, and no answer to be given."""

    class Kind(models.TextChoices):
        """How ``pattern`` is read."""

        WORD = "word", pgettext_lazy("block rule", "낱말")
        PATTERN = "pattern", _("정규식")

    kind = models.CharField(
        _("종류"),
        max_length=8,
        choices=Kind,
        default=Kind.WORD,
        help_text=_("낱말은 띄어 쓰거나 사이에 기호를 넣어도 알아봐요."),
    )
    pattern = models.CharField(_("막을 말"), max_length=200)
    active = models.BooleanField(_("사용"), default=True)
    note = models.CharField(_("메모"), max_length=200, blank=True, default="")
    created_at = models.DateTimeField(_("만든 때"), auto_now_add=True)

    class Meta:
        verbose_name = _("막는 말")
        verbose_name_plural = pgettext_lazy("plural", "막는 말")
        ordering = ["kind", "pattern"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "pattern"], name="block_rule_once"),
            models.CheckConstraint(condition=Q(kind__in=["word", "pattern"]), name="block_rule_kind_is_known"),
            models.CheckConstraint(condition=~Q(pattern=""), name="block_rule_blocks_something"),
        ]

    def __str__(self) -> str:
        return self.pattern

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the rule, and let every process know."""
        with transaction.atomic():
            super().save(*args, **kwargs)
            MemoryRevision.advance()
