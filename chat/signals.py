"""What happens beside a login, and beside the deletion of a rule, by whatever way it comes."""

from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import pre_delete
from django.dispatch import receiver
from django.http import HttpRequest

from chat.models import BlockRule, MemoryRevision


@receiver(user_logged_in)
def use_default_session_age(request: HttpRequest, **kwargs: Any) -> None:
    """A visitor is remembered for a year; a reviewer's login must not last as long."""
    request.session.set_expiry(None)


@receiver(pre_delete, sender=BlockRule)
def lift_rule(**kwargs: Any) -> None:
    """What a rule blocked is free again, in every process."""
    MemoryRevision.advance()
