from datetime import UTC, datetime, time, timedelta

import pytest
from django.utils import timezone

from chat.models import Chat
from chat.training import services
from chat.training.run import TrainingRun
from chat.training.schedule import Schedule, due, latest

pytestmark = pytest.mark.django_db

NIGHT = Schedule(at=time(3, 30))
HOURLY = Schedule(every=timedelta(hours=1))
Reason = TrainingRun.Reason


def seoul(day, hour, minute):
    return timezone.make_aware(datetime(2026, 1, day, hour, minute))


@pytest.fixture
def review(make_chat):
    def review(when, verify="approved", **fields):
        return make_chat(f"질문 {Chat.objects.count()}", "답", verify=verify, reviewed_at=when, **fields)

    return review


@pytest.fixture
def train():
    """A training that was begun at a time."""

    def train(when, reason=Reason.BUTTON):
        run = services.start(run_id=services.request_training(reason=reason).pk)
        services.cancel(run_id=run.pk)
        TrainingRun.objects.filter(pk=run.pk).update(started_at=when, created_at=when)

    return train


def test_nothing_is_due_by_default(review):
    review(seoul(1, 0, 0))
    assert due(Schedule.from_settings(), seoul(2, 0, 0)) is None


def test_the_settings_make_the_schedule(settings):
    settings.TRAIN_AT, settings.TRAIN_EVERY_HOURS, settings.TRAIN_AFTER_APPROVALS = "03:30", 12.0, 50
    schedule = Schedule.from_settings()
    assert schedule == Schedule(time(3, 30), timedelta(hours=12), 50)
    assert str(schedule) == "at 03:30, every 12 h, after 50 approvals"


def test_the_time_of_day_is_the_installations():
    assert latest(time(3, 30), datetime(2026, 1, 5, 18, 30, tzinfo=UTC)) == seoul(6, 3, 30)
    assert latest(time(3, 30), datetime(2026, 1, 5, 18, 29, tzinfo=UTC)) == seoul(5, 3, 30)


@pytest.mark.parametrize(
    ("now", "is_due"),
    [
        (seoul(2, 3, 29), False),
        (seoul(2, 3, 30), True),
        (seoul(2, 4, 30), True),
        (seoul(2, 4, 31), False),  # the quiet hour is over
    ],
)
def test_a_training_is_due_in_its_hour(review, train, now, is_due):
    train(seoul(1, 12, 0))
    review(seoul(1, 13, 0))
    assert due(NIGHT, now) == (Reason.SCHEDULE if is_due else None)


def test_a_restart_begins_no_second_training(review, train):
    review(seoul(1, 13, 0))
    assert due(NIGHT, seoul(2, 3, 31))
    train(seoul(2, 3, 31))
    review(seoul(2, 3, 32))
    assert due(NIGHT, seoul(2, 3, 40)) is None
    assert due(NIGHT, seoul(3, 3, 40)) == Reason.SCHEDULE


def test_hours_count_from_the_last_start(review, train):
    train(seoul(1, 12, 0))
    review(seoul(1, 12, 10))
    assert due(HOURLY, seoul(1, 12, 59)) is None
    assert due(HOURLY, seoul(1, 13, 0)) == Reason.SCHEDULE


def test_nothing_is_due_where_nobody_reviewed(review, train):
    review(seoul(1, 11, 0))
    train(seoul(1, 12, 0))
    assert due(HOURLY, seoul(2, 12, 0)) is None
    review(seoul(2, 11, 0), verify="delete")
    assert due(HOURLY, seoul(2, 12, 0)) == Reason.SCHEDULE


def test_the_starter_corpus_is_no_news(review):
    review(seoul(1, 0, 0), origin=Chat.Origin.STARTER)
    assert due(Schedule(every=timedelta(hours=1), after_approvals=1), seoul(2, 0, 0)) is None


def test_approvals_count_from_the_last_start_however_it_ended(review, train):
    three = Schedule(after_approvals=3)
    review(seoul(1, 0, 0))
    review(seoul(1, 0, 1))
    review(seoul(1, 0, 2), verify="pending")
    assert due(three, seoul(1, 1, 0)) is None
    review(seoul(1, 0, 3))
    assert due(three, seoul(1, 1, 0)) == Reason.APPROVALS
    train(seoul(1, 1, 0))
    assert due(three, seoul(1, 2, 0)) is None


def test_an_automatic_order_that_was_cancelled_does_not_come_back_at_once(review):
    review(timezone.now())
    once = Schedule(after_approvals=1)
    services.request_cancel(run_id=services.request_training(reason=Reason.BUTTON).pk)
    assert due(once, timezone.now())
    services.request_cancel(run_id=services.request_training(reason=Reason.APPROVALS).pk)
    assert due(once, timezone.now()) is None
