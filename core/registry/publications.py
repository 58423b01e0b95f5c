"""The log of what became live: a line of JSON for every publication, appended and never changed.

`data/current` says what is live; this file says how it came to that. It holds no model, and losing it loses none.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from core.registry.errors import RegistryError

logger = logging.getLogger(__name__)

FILE_NAME = "publications.jsonl"

Reason = Literal["makedata", "publish", "rollback", "force", "setup"]


@dataclass(frozen=True, slots=True)
class Publication:
    """One version that became live.

    Args:
        at: ISO 8601 with time zone.
        run: the version.
        before: the version that was live until then; None for the first. `from` in the file.
        by: who did it: a user's name, or a command; may be empty.
        reason: `makedata` when a run was finished, `publish` or `rollback` by hand, `force` past the gate, `setup`
            when the bundled version was made live.
    """

    at: str
    run: str
    before: str | None
    by: str
    reason: str

    @classmethod
    def now(cls, run: str, before: str | None, by: str, reason: Reason) -> Publication:
        """A publication at this moment."""
        return cls(datetime.now(UTC).isoformat(timespec="seconds"), run, before, by, reason)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of its line."""
        return {"at": self.at, "run": self.run, "from": self.before, "by": self.by, "reason": self.reason}


def append(data_dir: Path, publication: Publication) -> None:
    """Add a line. A disk that refuses it stops nothing, for the version is live already; that is logged."""
    line = json.dumps(publication.to_dict(), ensure_ascii=False) + "\n"
    path = data_dir / FILE_NAME
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line.encode())  # in one call, so that lines of two processes never mix
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        logger.warning("%s is live, but %s can't be written: %s", publication.run, path, error.strerror)


def read(data_dir: Path) -> list[Publication]:
    """Every publication, oldest first; lines that are damaged are logged and left out.

    Raises `RegistryError` when there is a file that can't be read.
    """
    path = data_dir / FILE_NAME
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RegistryError(f"can't read {path}: {error.strerror}") from error
    found = []
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            found.append(_publication(json.loads(line)))
        except (KeyError, TypeError, ValueError) as error:
            logger.warning("line %d of %s is damaged and left out: %r", number, path, error)
    return found


def earlier(log: Iterable[Publication], live: str) -> list[str]:
    """The versions that answered before `live` does, the last one first, each once.

    As a browser goes back: a rollback takes away what it went back over, so that the next one goes on from there. A
    line that is missing from `log` is told by the next one, which names what was live before it.
    """
    trail: list[str] = []
    for publication in log:
        if publication.before is not None and trail[-1:] != [publication.before]:
            trail.append(publication.before)
        if publication.reason == "rollback" and publication.run in trail:
            while trail.pop() != publication.run:
                pass
        trail.append(publication.run)
    return list(dict.fromkeys(name for name in reversed(trail) if name != live))


def _publication(data: dict[str, Any]) -> Publication:
    before = data["from"]
    return Publication(
        at=str(data["at"]),
        run=str(data["run"]),
        before=None if before is None else str(before),
        by=str(data["by"]),
        reason=str(data["reason"]),
    )
