import contextlib
import time

import pytest

from chat.training import locks
from chat.training.locks import Lock, Purpose
from core.registry.errors import LockHeld


class FakePostgres:
    """A connection to a database in which ``taken`` locks are held by others."""

    vendor = "postgresql"

    def __init__(self, taken=()):
        self.taken = set(taken)
        self.asked = []
        self.closed = False
        self.usable = True

    @contextlib.contextmanager
    def cursor(self):
        yield self

    def execute(self, sql, values):
        assert sql == "SELECT pg_try_advisory_lock(%s, %s)"
        self.asked.append(tuple(values))

    def fetchone(self):
        return (self.asked[-1][1] not in self.taken,)

    def inc_thread_sharing(self):
        pass

    def is_usable(self):
        return self.usable

    def close(self):
        self.closed = True


@pytest.fixture
def postgres(monkeypatch):
    """Let the database be PostgreSQL, for the locks alone."""

    def install(*taken):
        connection = FakePostgres(taken)

        class Connections(dict):
            def create_connection(self, alias):
                return connection

        monkeypatch.setattr(locks, "connections", Connections(default=connection))
        return connection

    return install


@pytest.mark.django_db
def test_a_lock_is_refused_within_a_second_and_free_afterwards(data_dir):
    with locks.hold(data_dir, Purpose.TRAINER):
        start = time.monotonic()
        with (
            pytest.raises(LockHeld, match="another trainer is running"),
            locks.hold(data_dir, Purpose.TRAINER, patience=0.1),
        ):
            pass
        assert time.monotonic() - start < 1
        assert not locks.is_free(data_dir, Purpose.TRAINER)
        assert locks.is_free(data_dir, Purpose.TRAINING)
    assert locks.is_free(data_dir, Purpose.TRAINER)


def test_on_postgresql_the_session_of_a_connection_holds_the_lock(data_dir, postgres):
    connection = postgres()
    with locks.hold(data_dir, Purpose.TRAINING) as lock:
        assert connection.asked == [(0x4A415241, 1)]
        assert not connection.closed
        lock.check()
    assert connection.closed


def test_on_postgresql_another_machine_is_refused_too(data_dir, postgres):
    connection = postgres(Purpose.TRAINER.number)
    with (
        pytest.raises(LockHeld, match="another machine"),
        locks.hold(data_dir, Purpose.TRAINER, patience=0),
    ):
        pass
    assert connection.closed
    with locks.hold(data_dir, Purpose.TRAINING):  # another lock of the same database
        pass


def test_a_lock_whose_connection_is_gone_is_no_lock(data_dir, postgres):
    connection = postgres()
    with locks.hold(data_dir, Purpose.TRAINING) as lock:
        connection.usable = False
        with pytest.raises(LockHeld, match="gone"):
            lock.check()


def test_a_lock_without_a_connection_is_the_files():
    Lock(Purpose.TRAINING, None).check()
