"""Working on a training: its row is kept alive and told how far it is, and its end is noted whatever the end.

Knows nothing of queues and schedules; the trainer and ``manage.py makedata`` both work this way.
"""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator

from django.db import DEFAULT_DB_ALIAS, connections
from django.db import Error as DatabaseError

from chat.training import locks, services
from chat.training.locks import Lock, Purpose
from chat.training.run import TrainingRun
from core.evolve import Progress, RunSummary
from core.registry import Registry
from core.registry.errors import LockHeld

logger = logging.getLogger(__name__)

BEAT_SECONDS = 2.0


class TrainingCancelled(Exception):
    """Somebody cancelled the training that runs."""


class Pulse:
    """The sign of life of a training, renewed by a thread of its own; give it to ``evolve`` as ``on_progress``.

    The thread alone talks to the database, so that a database that is slow or away for a while holds up or ends
    no training. As ``on_progress`` it raises `TrainingCancelled`, or `LockHeld` where the lock was lost.
    """

    def __init__(self, run_id: int, lock: Lock) -> None:
        self._run_id = run_id
        self._lock = lock
        self._progress: Progress | None = None
        self._verdict: Exception | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="training-pulse", daemon=True)

    def __enter__(self) -> "Pulse":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def __call__(self, progress: Progress) -> None:
        """Take note of how far the training is. Raises what shall end it."""
        self._progress = progress
        if self._verdict is not None:
            raise self._verdict

    def _beat(self) -> None:
        try:
            while not self._over.wait(BEAT_SECONDS):
                self._beat_once()
        finally:
            connections.close_all()

    def _beat_once(self) -> None:
        for connection in connections.all(initialized_only=True):
            connection.close_if_unusable_or_obsolete()
        try:
            if not services.beat(run_id=self._run_id, progress=self._progress):
                self._verdict = TrainingCancelled()
            self._lock.check()
        except LockHeld as error:
            self._verdict = error
        except DatabaseError as error:
            logger.warning("training %d can't be seen to live for a moment: %s", self._run_id, error)


def carry_out(run: TrainingRun, lock: Lock, work: Callable[[Callable[[Progress], None]], RunSummary]) -> RunSummary:
    """Do the ``work`` of a running training, given what it shall tell its progress, and note in the row how it ends.

    Raises what ``work`` raises, and `TrainingCancelled`; the row has its end by then.
    """
    with _end_noted(run), Pulse(run.pk, lock) as pulse:
        summary = work(pulse)
    _renew_connection()
    services.finish(run_id=run.pk, summary=summary)
    return summary


def carry_out_command(
    registry: Registry,
    work: Callable[[Callable[[Progress], None]], RunSummary],
    *,
    from_scratch: bool = False,
    force: bool = False,
) -> RunSummary:
    """Do the ``work`` of a training that was begun on the command line, with a row that the admin shows.

    Raises `LockHeld` within a second while another training runs, and what `carry_out` raises.
    """
    with locks.hold(registry.data_dir, Purpose.TRAINING) as lock:
        services.settle(registry=registry)
        return carry_out(services.start_command(from_scratch=from_scratch, force=force), lock, work)


@contextlib.contextmanager
def _end_noted(run: TrainingRun) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        _renew_connection()
        match error:
            case TrainingCancelled():
                services.cancel(run_id=run.pk)
            case KeyboardInterrupt() | SystemExit():
                services.interrupt(run_id=run.pk, cause="stopped")
            case _:
                services.fail(run_id=run.pk, error=error)
        raise


def _renew_connection() -> None:
    """Nobody spoke on this thread's connection for as long as the training took: the server may have hung up."""
    connection = connections[DEFAULT_DB_ALIAS]
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
