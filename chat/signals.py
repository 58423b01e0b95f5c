"""What happens beside a login."""

from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest


@receiver(user_logged_in)
def use_default_session_age(request: HttpRequest, **kwargs: Any) -> None:
    """A visitor is remembered for a year; a reviewer's login must not last as long."""
    request.session.set_expiry(None)
