import threading
import time
from functools import partial

import pytest

from chat.training import locks, services, work
from chat.training.run import TrainingRun
from chat.training.work import Pulse, TrainingCancelled, carry_out, carry_out_command
from core.evolve import EvolveError, Progress
from core.registry.errors import LockHeld

Status = TrainingRun.Status


@pytest.fixture
def run(db):
    return services.start(run_id=services.request_training(reason=TrainingRun.Reason.BUTTON).pk)


def raising(error):
    def work(tell):
        raise error

    return work


def status(run):
    run.refresh_from_db()
    return run.status


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (TrainingCancelled(), Status.CANCELLED),
        (EvolveError("no"), Status.FAILED),
        (ZeroDivisionError(), Status.FAILED),
        (SystemExit(0), Status.INTERRUPTED),
        (KeyboardInterrupt(), Status.INTERRUPTED),
    ],
)
def test_however_it_ends_the_row_says_so(run, lock, error, end):
    with pytest.raises(type(error)):
        carry_out(run, lock, raising(error))
    assert status(run) == end


def test_a_pulse_stores_progress_and_brings_the_cancellation(monkeypatch, run, lock):
    stored = threading.Event()
    beats = []

    def beat(*, run_id, progress):
        beats.append(progress)
        stored.set()
        return len(beats) < 2

    monkeypatch.setattr(work, "BEAT_SECONDS", 0.01)
    monkeypatch.setattr(services, "beat", beat)
    with Pulse(run.pk, lock) as pulse, pytest.raises(TrainingCancelled):
        for step in range(1000):
            pulse(Progress("train", step, 1000))
            stored.wait(1)
            time.sleep(0.01)
    assert beats[0].phase == "train"


def test_a_lock_that_is_lost_ends_the_training(monkeypatch, run):
    class Lost:
        def check(self):
            raise LockHeld("gone")

    monkeypatch.setattr(work, "BEAT_SECONDS", 0.01)
    monkeypatch.setattr(services, "beat", lambda **_: True)
    with Pulse(run.pk, Lost()) as pulse, pytest.raises(LockHeld):
        for _ in range(500):
            pulse(Progress("train"))
            time.sleep(0.01)


def test_a_command_is_in_the_history_and_is_refused_beside_another_training(db, registry, summary):
    carry_out_command(registry, lambda tell: summary(), from_scratch=True)
    run = TrainingRun.objects.get()
    assert (run.reason, run.status, run.from_scratch) == ("command", Status.DONE, True)
    with (
        locks.hold(registry.data_dir, locks.Purpose.TRAINING),
        pytest.raises(LockHeld, match="another training is running"),
    ):
        carry_out_command(registry, partial(pytest.fail, "it was begun"))
