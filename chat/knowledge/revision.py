"""The order in which what the rows teach has changed: how a process finds out what it has not heard of yet.

Every change of what a row teaches takes the next number, in its own transaction. Taking it locks the one row of
`MemoryRevision` until that transaction ends, so numbers are seen in the order in which they were given: whoever
sees number N sees every change up to N.
"""

from django.db import models
from django.db.models import F
from django.utils.translation import gettext_lazy as _


class MemoryRevision(models.Model):
    """The newest number, in one row."""

    number = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("기억의 차례")
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.number)

    @classmethod
    def current(cls) -> int:
        """Return the newest number that was committed; one cheap query."""
        return cls.objects.filter(pk=1).values_list("number", flat=True).first() or 0

    @classmethod
    def advance(cls) -> int:
        """Take the next number; inside a transaction, which then holds back everybody else's until it ends."""
        if not cls.objects.filter(pk=1).update(number=F("number") + 1):
            cls.objects.get_or_create(pk=1)
            cls.objects.filter(pk=1).update(number=F("number") + 1)
        return cls.objects.values_list("number", flat=True).get(pk=1)


class Forgotten(models.Model):
    """A row that is deleted, so that every process forgets what it taught."""

    row = models.BigIntegerField()
    revision = models.BigIntegerField(db_index=True)

    class Meta:
        verbose_name = _("지운 대화")
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.row)
