"""What is said, and kept, when a run comes to nothing."""

from __future__ import annotations

import contextlib
import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

from core.corpus import CorpusError
from core.evolve.errors import EvolveError
from core.registry import Draft, RegistryError

FAILED_LOG = "train-failed.log"  # in the data directory: the engine's log of the last run that failed
LOG = "train.log"  # in a run


@contextlib.contextmanager
def disk_errors_explained(data_dir: Path) -> Iterator[None]:
    """Turn what the disk refuses into `EvolveError`, a full disk with what to do about it."""
    try:
        yield
    except OSError as error:
        raise EvolveError(_explained(error, data_dir)) from error
    except (CorpusError, RegistryError) as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in (errno.ENOSPC, errno.EDQUOT):
            raise EvolveError(_explained(error.__cause__, data_dir)) from error
        raise


def _explained(error: OSError, data_dir: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk of {data_dir} is full: free some space, or remove old model versions, and run makedata again"
    return f"can't write the run: {error.strerror or error}: {error.filename or data_dir}"


def check_disk_space(directory: Path, needed: int) -> None:
    """Raise `EvolveError` when fewer than `needed` bytes are free where `directory` lies."""
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise EvolveError(
            f"{free / 1e6:.0f} MB are free in {directory}, a run needs {needed / 1e6:.0f} MB: "
            "free some disk space, or remove old model versions"
        )


def keep_log(draft: Draft, data_dir: Path) -> Path | None:
    """Copy the engine's log out of a draft that will be removed; None when it has not said anything."""
    kept = data_dir / FAILED_LOG
    try:
        shutil.copyfile(draft.path / LOG, kept)
    except OSError:  # a log is a help, and the error that is on its way matters more
        return None
    return kept
