"""What happens beside a login, and beside a deletion, by whatever way it comes."""

from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import pre_delete
from django.dispatch import receiver
from django.http import HttpRequest

from chat.models import BlockRule, Chat, Forgotten, MemoryRevision


@receiver(user_logged_in)
def use_default_session_age(request: HttpRequest, **kwargs: Any) -> None:
    """A visitor is remembered for a year; a reviewer's login must not last as long."""
    request.session.set_expiry(None)


@receiver(pre_delete, sender=Chat)
def forget_chat(instance: Chat, **kwargs: Any) -> None:
    """What a row taught goes with it, in every process. Django deletes in a transaction, which this belongs to."""
    Forgotten.objects.create(row=instance.pk, revision=MemoryRevision.advance())


@receiver(pre_delete, sender=BlockRule)
def lift_rule(**kwargs: Any) -> None:
    """What a rule blocked is free again, in every process."""
    MemoryRevision.advance()
