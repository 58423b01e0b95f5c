"""The trainer: a process of its own that works off the trainings which were asked for, one after the other."""

import contextlib
import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from django.db import Error as DatabaseError
from django.db import connections
from django.utils import timezone

from chat.run_settings import run_settings
from chat.selectors import training_pairs
from chat.training import locks, selectors, services
from chat.training.locks import Lock, Purpose
from chat.training.run import TrainingRun
from chat.training.schedule import Schedule, due
from chat.training.work import TrainingCancelled, carry_out
from core.corpus import Pair
from core.errors import JaramError
from core.evolve import EvolveSettings, RunSummary, evolve
from core.registry import Registry
from core.registry.errors import LockHeld

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0  # between two looks for an order
SCHEDULE_SECONDS = 10.0  # between two looks at the schedule, and at what other processes left
AWAY_SECONDS = 5.0  # left to a database that is not to be reached

Evolve = Callable[..., RunSummary]


class Trainer:
    """Looks for orders and for what its schedule says, and trains. It ends by an exception alone.

    Args:
        data_dir: where models and locks are.
        schedule: when to train unasked.
        evolve: trains; tests bring their own.
        pairs: what is learned.
    """

    def __init__(
        self,
        data_dir: Path,
        schedule: Schedule,
        *,
        evolve: Evolve = evolve,
        pairs: Callable[[], Iterable[Pair]] = training_pairs,
    ) -> None:
        self._registry = Registry(data_dir)
        self._data_dir = data_dir
        self._schedule = schedule
        self._evolve = evolve
        self._pairs = pairs
        self._waits_for_lock = False

    def run(self) -> None:
        """Work for ever. Raises `LockHeld` when there is another trainer, or when a database takes the lock back."""
        with locks.hold(self._data_dir, Purpose.TRAINER) as lock:
            schedule = f", trains {text}" if (text := str(self._schedule)) else ""
            logger.info("the trainer is ready%s", schedule)
            looked = float("-inf")
            while True:
                is_time = time.monotonic() - looked >= SCHEDULE_SECONDS
                if is_time:
                    looked = time.monotonic()
                    lock.check()
                time.sleep(LOOK_SECONDS if self._try_look(is_time) else AWAY_SECONDS)

    def _try_look(self, is_time: bool) -> bool:
        try:
            if is_time:
                self.look_around()
            self.look_for_order()
        except DatabaseError as error:
            logger.warning("the database is not to be reached: %s", error)
            connections.close_all()
            return False
        return True

    def look_around(self) -> None:
        """Take up what a killed process left, and order what is due."""
        if TrainingRun.objects.running().exists():
            self._settle()
        elif selectors.next_run() is None and (reason := due(self._schedule, timezone.now())):
            run = services.request_training(reason=reason)
            logger.info("training %d was ordered: %s", run.pk, reason.value)

    def look_for_order(self) -> None:
        """Work on the training that waits, if there is one."""
        run = selectors.next_run()
        if run is None:
            return
        # A training may end the process: the lock is then free, and the row is still there to be found.
        try:
            with locks.hold(self._data_dir, Purpose.TRAINING, patience=0) as lock:
                self._waits_for_lock = False
                self._tell(services.settle(registry=self._registry))
                if (started := services.start(run_id=run.pk)) is not None:
                    self._work(started, lock)
        except LockHeld as error:
            if not self._waits_for_lock:
                logger.info("training %d waits: %s", run.pk, error)
            self._waits_for_lock = True

    def _settle(self) -> None:
        """End rows of killed processes; while the process of a row lives, it has the lock."""
        with contextlib.suppress(LockHeld), locks.hold(self._data_dir, Purpose.TRAINING, patience=0):
            self._tell(services.settle(registry=self._registry))

    def _tell(self, left: Iterable[TrainingRun]) -> None:
        for run in left:
            again = run.outcome.get("again")
            logger.warning(
                "training %d was killed half-way: %s",
                run.pk,
                f"its version {run.version} was finished already"
                if run.version
                else f"training {again} takes it up again"
                if again
                else "it is not tried again",
            )

    def _work(self, run: TrainingRun, lock: Lock) -> None:
        logger.info("training %d begins (%s, attempt %d)", run.pk, run.reason, run.attempt)
        try:
            summary = carry_out(
                run,
                lock,
                lambda tell: self._evolve(
                    self._pairs(), registry=self._registry, settings=order_settings(run), on_progress=tell
                ),
            )
        except TrainingCancelled:
            logger.info("training %d was cancelled; the live model is as it was", run.pk)
        except (JaramError, OSError) as error:
            logger.error("training %d failed: %s", run.pk, error)
        else:
            how = "went on with what was left" if summary.resumed else "began anew"
            logger.info("training %d %s and made %s: %s", run.pk, how, summary.run, summary.status)


def order_settings(run: TrainingRun) -> EvolveSettings:
    """How the installation trains, with what this order asks for."""
    by = run.requested_by.get_username() if run.requested_by else ""
    return run_settings(from_scratch=run.from_scratch, force=run.force, by=by)
