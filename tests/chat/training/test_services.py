import errno

import pytest
from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone

from chat.training import services
from chat.training.run import TrainingRun
from core.corpus import CorpusError
from core.evolve import EvolveError, Progress
from core.evolve.gate import Bar, GateResult
from core.registry import Manifest, RegistryError

pytestmark = pytest.mark.django_db

Reason, Status, Problem = TrainingRun.Reason, TrainingRun.Status, TrainingRun.Problem


@pytest.fixture
def running():
    """A training that was asked for with the button and has begun."""
    return services.start(run_id=services.request_training(reason=Reason.BUTTON, from_scratch=True).pk)


def make_version(registry, gate=None):
    with registry.lock():
        draft = registry.new_run()
        draft.model_dir.mkdir()
        (draft.model_dir / "hparams.json").write_text("{}")
        extra = {} if gate is None else {"gate": gate}
        now = timezone.now().isoformat(timespec="seconds")
        return registry.finish(draft, Manifest(run="", created_at=now, extra=extra))


def test_a_second_order_finds_the_one_that_waits(boss):
    first = services.request_training(reason=Reason.BUTTON, requested_by=boss)
    assert services.request_training(reason=Reason.SCHEDULE) == first
    assert TrainingRun.objects.get().reason == "button"


def test_one_may_wait_while_one_runs(running):
    waiting = services.request_training(reason=Reason.BUTTON)
    assert waiting.pk != running.pk
    with pytest.raises(IntegrityError), transaction.atomic():
        services.start(run_id=waiting.pk)


def test_the_database_refuses_an_end_without_its_time(running):
    with pytest.raises(IntegrityError), transaction.atomic():
        TrainingRun.objects.update(status=Status.DONE)


def test_a_waiting_training_is_cancelled_at_once():
    run = services.request_training(reason=Reason.BUTTON)
    assert services.request_cancel(run_id=run.pk)
    run.refresh_from_db()
    assert (run.status, run.started_at) == (Status.CANCELLED, None)
    assert services.start(run_id=run.pk) is None
    assert not services.request_cancel(run_id=run.pk)


def test_a_running_training_hears_of_its_cancellation_with_its_next_beat(running):
    assert services.beat(run_id=running.pk, progress=Progress("train", 3, 10, loss=1.5))
    assert services.request_cancel(run_id=running.pk)
    assert not services.beat(run_id=running.pk, progress=None)
    running.refresh_from_db()
    assert (running.progress["step"], running.progress["loss"]) == (3, 1.5)
    assert running.heartbeat_at > running.started_at


def test_a_training_ends_as_its_version_did(running, summary):
    services.finish(run_id=running.pk, summary=summary(why="the shape changed"))
    running.refresh_from_db()
    assert (running.status, running.published, running.version) == (Status.DONE, True, "20260101-000000-abcd")
    assert running.outcome["why"] == "the shape changed"


def test_a_version_below_the_bars_is_a_rejected_training(running, summary):
    lost = Bar("lost", False, 0.02, 0.01, "2.00% lost, 1.00% allowed", figures={"lost": 2, "earlier": 100})
    bars = (Bar("loads", True, 1.0, 1.0, "fine"), lost)
    services.finish(run_id=running.pk, summary=summary(status="rejected", gate=GateResult(False, False, bars)))
    running.refresh_from_db()
    assert (running.status, running.published) == (Status.REJECTED, False)
    assert [Bar(**bar) for bar in running.outcome["bars"]] == [lost]


def test_the_first_end_counts(running, summary):
    services.cancel(run_id=running.pk)
    services.finish(run_id=running.pk, summary=summary())
    running.refresh_from_db()
    assert running.status == Status.CANCELLED


def test_a_killed_training_is_asked_for_again_as_it_was(running, registry):
    (left,) = services.settle(registry=registry)
    again = TrainingRun.objects.queued().get()
    assert (left.status, left.outcome) == (Status.INTERRUPTED, {"cause": "killed", "again": again.pk})
    assert (again.reason, again.from_scratch, again.attempt) == ("button", True, 2)


def test_a_training_that_keeps_killing_its_process_is_given_up(registry):
    run = services.request_training(reason=Reason.BUTTON)
    for _ in range(services.MOST_ATTEMPTS):
        run = services.start(run_id=run.pk)
        (left,) = services.settle(registry=registry)
        run = TrainingRun.objects.queued().first()
    assert run is None
    assert left.outcome["given_up"]


def test_being_stopped_is_no_failed_attempt(running):
    assert services.interrupt(run_id=running.pk, cause="stopped").attempt == 1


@pytest.mark.parametrize("cancelled", [True, False])
def test_a_training_of_the_command_line_or_a_cancelled_one_is_not_repeated(cancelled, registry):
    run = services.start_command() if not cancelled else None
    if cancelled:
        run = services.start(run_id=services.request_training(reason=Reason.BUTTON).pk)
        services.request_cancel(run_id=run.pk)
    services.settle(registry=registry)
    run.refresh_from_db()
    assert run.status == Status.INTERRUPTED
    assert not TrainingRun.objects.queued().exists()


@pytest.mark.parametrize(
    ("gate", "publish", "status"),
    [(None, True, Status.DONE), ({"passed": False}, False, Status.REJECTED), (None, False, Status.INTERRUPTED)],
)
def test_a_training_that_was_killed_behind_its_version_is_not_done_again(running, registry, gate, publish, status):
    version = make_version(registry, gate)
    if publish:
        registry.publish(version)
    services.settle(registry=registry)
    running.refresh_from_db()
    assert running.status == status
    assert running.version == ("" if status == Status.INTERRUPTED else version.name)
    assert TrainingRun.objects.queued().exists() == (status == Status.INTERRUPTED)


def full_disk():
    error = EvolveError("can't write")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    return error


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (full_disk(), Problem.DISK),
        (EvolveError("the engine failed, the disk is full"), Problem.DISK),
        (EvolveError("the engine was ended by SIGKILL"), Problem.ENGINE),
        (CorpusError("no pairs"), Problem.CORPUS),
        (RegistryError("damaged"), Problem.REGISTRY),
        (OperationalError("gone"), Problem.DATABASE),
        (ValueError("?"), Problem.UNEXPECTED),
    ],
)
def test_an_error_becomes_a_problem_in_plain_words(running, error, problem):
    services.fail(run_id=running.pk, error=error)
    running.refresh_from_db()
    assert (running.status, running.problem, running.error) == (Status.FAILED, problem, str(error))
