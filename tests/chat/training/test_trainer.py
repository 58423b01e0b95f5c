import pytest
from django.utils import timezone

from chat.training import locks, services
from chat.training.locks import Purpose
from chat.training.run import TrainingRun
from chat.training.schedule import Schedule
from chat.training.trainer import Trainer, order_settings
from core.evolve import EvolveError
from core.registry.errors import LockHeld

pytestmark = pytest.mark.django_db

Reason, Status = TrainingRun.Reason, TrainingRun.Status


@pytest.fixture
def trainer(data_dir, summary):
    def make(schedule=None, error=None):
        def evolve(pairs, *, registry, settings, on_progress):
            seen.append((list(pairs), settings))
            if error:
                raise error
            return summary()

        return Trainer(data_dir, schedule or Schedule(), evolve=evolve, pairs=lambda: iter(["pair"]))

    seen = make.seen = []
    return make


def order(**fields):
    return services.request_training(reason=Reason.BUTTON, **fields)


def test_an_order_is_worked_off(trainer):
    run = order(force=True)
    trainer().look_for_order()
    run.refresh_from_db()
    assert (run.status, run.published) == (Status.DONE, True)
    ((pairs, settings),) = trainer.seen
    assert (pairs, settings.force) == (["pair"], True)


def test_without_an_order_nothing_is_trained(trainer):
    idle = trainer()
    idle.look_around()
    idle.look_for_order()
    assert (trainer.seen, TrainingRun.objects.count()) == ([], 0)


def test_a_failed_training_ends_no_trainer(trainer):
    run = order()
    trainer(error=EvolveError("no luck")).look_for_order()
    run.refresh_from_db()
    assert (run.status, run.error) == (Status.FAILED, "no luck")


def test_an_order_waits_while_another_training_runs(trainer, data_dir, caplog):
    run, busy = order(), trainer()
    with locks.hold(data_dir, Purpose.TRAINING), caplog.at_level("INFO"):
        busy.look_for_order()
        busy.look_for_order()
    assert [text for text in caplog.messages if "waits" in text] == [
        f"training {run.pk} waits: another training is running "
        f"(process {caplog.messages[0].split('process ')[1].split(')')[0]}): wait until it has ended"
    ]
    run.refresh_from_db()
    assert run.status == Status.QUEUED
    busy.look_for_order()
    run.refresh_from_db()
    assert run.status == Status.DONE


def test_what_a_killed_process_left_is_taken_up_again_and_said(trainer, caplog):
    left = services.start(run_id=order().pk)
    new = trainer()
    new.look_around()
    again = TrainingRun.objects.queued().get()
    assert f"training {left.pk} was killed half-way: training {again.pk} takes it up again" in caplog.text
    new.look_for_order()
    assert len(trainer.seen) == 1
    again.refresh_from_db()
    assert again.status == Status.DONE


def test_the_training_of_a_living_process_is_left_alone(trainer, data_dir):
    run = services.start_command()
    with locks.hold(data_dir, Purpose.TRAINING):
        trainer().look_around()
    run.refresh_from_db()
    assert run.status == Status.RUNNING


def test_what_is_due_is_ordered_once(trainer, make_chat):
    make_chat(verify="approved", reviewed_at=timezone.now())
    for scheduled in (trainer(Schedule(after_approvals=1)), trainer(Schedule(after_approvals=1))):
        scheduled.look_around()
    assert TrainingRun.objects.get().reason == "approvals"
    scheduled.look_for_order()
    scheduled.look_around()
    assert TrainingRun.objects.get().status == Status.DONE


def test_a_second_trainer_is_refused(trainer, data_dir):
    with locks.hold(data_dir, Purpose.TRAINER), pytest.raises(LockHeld, match="another trainer"):
        trainer().run()


def test_an_order_makes_the_settings_of_its_run(settings, boss):
    settings.ANALYSER, settings.TRAINING_THREADS = "mecab", 1
    made = order_settings(order(from_scratch=True, requested_by=boss))
    assert (made.analyser, made.threads, made.from_scratch, made.force, made.by) == ("mecab", 1, True, False, "boss")
