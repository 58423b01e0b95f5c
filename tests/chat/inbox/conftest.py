from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from chat.models import Feedback, Visitor


class Clock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self):
        self.time = datetime(2026, 5, 4, 3, 0, tzinfo=UTC)

    def pass_by(self, **duration):
        self.time += timedelta(**duration)


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(timezone, "now", lambda: clock.time)
    return clock


@pytest.fixture
def kim(django_user_model, db):
    return django_user_model.objects.create_superuser("kim")


@pytest.fixture
def lee(django_user_model, db):
    return django_user_model.objects.create_superuser("lee")


@pytest.fixture
def complain(db):
    """Let the visitor who got an answer say that it was not good."""

    def say(chat, suggestion="", **fields):
        visitor, _ = Visitor.objects.get_or_create(key=chat.session or "somebody")
        suggested_at = timezone.now() if suggestion else None
        fields = {"thumb": "down"} | fields
        return Feedback.objects.create(
            chat=chat, visitor=visitor, suggestion=suggestion, suggested_at=suggested_at, **fields
        )

    return say
