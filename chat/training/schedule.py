"""When a training is due without anybody asking for it. Everything is off by default.

What has been counted is never kept in a process: the rows of the last trainings tell it, so a trainer that is
restarted neither forgets a training nor begins one twice.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.conf import settings
from django.utils import timezone

from chat.training import selectors
from chat.training.run import TrainingRun

# The hour was chosen for its quiet: who was down then waits for the next one, a short restart apart.
GRACE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When to train.

    Args:
        at: local time of day; None for never.
        every: time between two starts; None for never.
        after_approvals: approved rows since the last start that are enough; 0 for never.
    """

    at: time | None = None
    every: timedelta | None = None
    after_approvals: int = 0

    @classmethod
    def from_settings(cls) -> "Schedule":
        """The installation's schedule. Raises ValueError when TRAIN_AT is no time."""
        return cls(
            at=parse_time(settings.TRAIN_AT),
            every=timedelta(hours=settings.TRAIN_EVERY_HOURS) if settings.TRAIN_EVERY_HOURS > 0 else None,
            after_approvals=settings.TRAIN_AFTER_APPROVALS,
        )

    @property
    def hours(self) -> str:
        """The hours of ``every``, as short as can be."""
        return f"{self.every.total_seconds() / 3600:g}" if self.every else ""

    def __str__(self) -> str:
        parts = []
        if self.at is not None:
            parts.append(f"at {self.at:%H:%M}")
        if self.every is not None:
            parts.append(f"every {self.hours} h")
        if self.after_approvals:
            parts.append(f"after {self.after_approvals} approvals")
        return ", ".join(parts)


def parse_time(text: str) -> time | None:
    """Read a time of day such as 03:30; None from an empty text. Raises ValueError."""
    return datetime.strptime(text, "%H:%M").time() if text else None


def due(schedule: Schedule, now: datetime) -> TrainingRun.Reason | None:
    """What a training is due by at the aware time ``now``; None while there is nothing new to learn."""
    last = selectors.last_training()
    if _is_time(schedule, now, last) and selectors.reviewed_since(start=last):
        return TrainingRun.Reason.SCHEDULE
    enough = schedule.after_approvals
    if enough and selectors.approvals_since(start=last, most=enough) >= enough:
        return TrainingRun.Reason.APPROVALS
    return None


def _is_time(schedule: Schedule, now: datetime, last: datetime | None) -> bool:
    if schedule.every is not None and (last is None or now - last >= schedule.every):
        return True
    if schedule.at is None:
        return False
    hour = latest(schedule.at, now)
    return now - hour <= GRACE and (last is None or last < hour)


def latest(at: time, now: datetime) -> datetime:
    """The last moment, not after ``now``, at which it was ``at`` in the installation's time zone."""
    today = timezone.localtime(now).date()
    moment = timezone.make_aware(datetime.combine(today, at))
    return moment if moment <= now else timezone.make_aware(datetime.combine(today - timedelta(days=1), at))
