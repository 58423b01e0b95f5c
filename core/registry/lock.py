"""A lock on the data directory that ends with the process that held it."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from core.registry.errors import LockHeld, RegistryError


@contextlib.contextmanager
def hold(path: Path, holder: str = "another makedata") -> Iterator[None]:
    """Hold the lock file `path` for the body; `LockHeld` at once when somebody else, a `holder`, has it.

    The kernel gives the lock back when the process ends, however it ends, so a killed run locks nobody out.
    The file itself stays: removing it would let two processes lock two files of one name.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise RegistryError(f"can't open the lock {path}: {error.strerror}") from error
    try:
        _acquire(descriptor, path, holder)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, holder: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        process = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
        raise LockHeld(
            f"{holder} is running{f' (process {process})' if process else ''}: wait until it has ended"
        ) from error
    except OSError as error:
        raise RegistryError(f"can't lock {path}: {error.strerror}") from error
    # The number only makes the other side's message better; a disk too full for it must stop nobody.
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
