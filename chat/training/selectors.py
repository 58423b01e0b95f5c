"""Reads of the trainings, and of what was reviewed since the last one."""

from datetime import datetime, timedelta

from django.db.models import Max, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from chat.models import Chat
from chat.training.run import TrainingRun

SILENCE = timedelta(seconds=15)  # a heartbeat comes every two; this many without one, and somebody has a look


def next_run() -> TrainingRun | None:
    """The training that waits."""
    return TrainingRun.objects.queued().first()


def unfinished() -> list[TrainingRun]:
    """The training that runs and the one that waits, in this order, as far as there are any."""
    return list(TrainingRun.objects.unfinished().select_related("requested_by").order_by("-status"))


def history() -> QuerySet[TrainingRun]:
    """The trainings that have ended, the last first."""
    return TrainingRun.objects.exclude(status__in=TrainingRun.UNFINISHED).select_related("requested_by")


def is_silent(run: TrainingRun) -> bool:
    """Whether a running training has not been heard of for so long that its process may be gone."""
    return (
        run.status == TrainingRun.Status.RUNNING
        and run.heartbeat_at is not None
        and timezone.now() - run.heartbeat_at > SILENCE
    )


def last_training() -> datetime | None:
    """When the last training was begun, however it ended; None before the first.

    One that began by itself and was cancelled while it waited counts too, or it would be back at once.
    """
    begun = TrainingRun.objects.exclude(started_at=None, reason=TrainingRun.Reason.BUTTON)
    return begun.aggregate(last=Max(Coalesce("started_at", "created_at")))["last"]


def reviewed_since(*, start: datetime | None) -> bool:
    """Whether a reviewer has decided on anything since ``start``; None: ever, the starter corpus apart."""
    rows = Chat.objects.filter(reviewed_at__isnull=False)
    return (rows.filter(reviewed_at__gt=start) if start else rows.exclude(origin=Chat.Origin.STARTER)).exists()


def approvals_since(*, start: datetime | None, most: int) -> int:
    """How many rows were approved, or changed as approved ones, since ``start``; not counted above ``most``."""
    rows = Chat.objects.approved().filter(reviewed_at__isnull=False)
    rows = rows.filter(reviewed_at__gt=start) if start else rows.exclude(origin=Chat.Origin.STARTER)
    return rows.order_by()[:most].count()
