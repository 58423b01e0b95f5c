"""Locks that keep trainings and trainers single: on the data directory, and on PostgreSQL across machines.

Both end with the process that held them, however it ends, so nothing is ever unlocked by hand. Knows nothing of
what is done under a lock.
"""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from core.registry import lock as file_lock
from core.registry.errors import LockHeld

# PostgreSQL knows a lock by two numbers. The first is ours in a database that others may use too: "JARA".
_FAMILY = int.from_bytes(b"JARA", "big")
# Whoever looks whether a lock is free holds it for a moment: somebody who really wants it tries a little longer.
PATIENCE = 0.5
_PAUSE = 0.05


class Purpose(Enum):
    """What only one process may do at a time: the lock's file, its second number, and its holder's name."""

    TRAINING = (".training.lock", 1, "another training")
    TRAINER = (".trainer.lock", 2, "another trainer")

    def __init__(self, file: str, number: int, holder: str) -> None:
        self.file = file
        self.number = number
        self.holder = holder


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock that is held."""

    purpose: Purpose
    connection: BaseDatabaseWrapper | None

    def check(self) -> None:
        """Raise `LockHeld` when the database has given the lock up, as it does when it loses the connection.

        May be called in any thread, though in one at a time.
        """
        if self.connection is None:
            return
        if not self.connection.is_usable():
            raise LockHeld("the connection that holds the lock on the database is gone")


@contextlib.contextmanager
def hold(data_dir: Path, purpose: Purpose, *, patience: float = PATIENCE) -> Iterator[Lock]:
    """Hold the lock for the body; raise `LockHeld` within a second, naming the holder, when it is taken.

    On one machine the file decides. Trainings of several machines share a PostgreSQL database, where a lock of the
    session goes with it; SQLite is on one machine anyway.
    """
    deadline = time.monotonic() + patience
    while True:
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(file_lock.hold(data_dir / purpose.file, purpose.holder))
                connection = stack.enter_context(_advisory(purpose))
            except LockHeld:
                if time.monotonic() >= deadline:
                    raise
            else:
                yield Lock(purpose, connection)
                return
        time.sleep(_PAUSE)


def is_free(data_dir: Path, purpose: Purpose) -> bool:
    """Tell whether nobody holds the lock at this moment."""
    try:
        with hold(data_dir, purpose, patience=0):
            return True
    except LockHeld:
        return False


@contextlib.contextmanager
def _advisory(purpose: Purpose) -> Iterator[BaseDatabaseWrapper | None]:
    """Hold the database's lock on a connection of its own, which nobody closes between two queries."""
    if connections[DEFAULT_DB_ALIAS].vendor != "postgresql":
        yield None
        return
    connection = connections.create_connection(DEFAULT_DB_ALIAS)
    connection.inc_thread_sharing()
    try:
        try_lock(connection, purpose)
        yield connection
    finally:
        connection.close()


def try_lock(connection: BaseDatabaseWrapper, purpose: Purpose) -> None:
    """Take PostgreSQL's lock for this connection's session, or raise `LockHeld`.

    https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADVISORY-LOCKS
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_FAMILY, purpose.number])
        (taken,) = cursor.fetchone()
    if not taken:
        raise LockHeld(f"{purpose.holder} is running on another machine: wait until it has ended")
