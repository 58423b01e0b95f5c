"""Processes that are measured in turn, A B A B, so that a machine that slows down slows all of them down."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.drivers.protocol import Setup
from benchmarks.peers import DRIVERS, PLACE, Engine
from core.errors import JaramError


class Driver:
    """One engine's process; it sleeps while it is not asked."""

    def __init__(self, engine: Engine, setup: Setup, mode: str) -> None:
        self.engine = engine
        self._log = PLACE / f"{engine.driver}.{mode}.log"
        config = PLACE / f"{engine.driver}.json"
        own = setup._replace(work=str(PLACE / "work" / engine.driver))
        config.write_text(json.dumps(own._asdict()), encoding="utf-8")
        threads = {"OMP_NUM_THREADS": str(setup.threads), "MKL_NUM_THREADS": str(setup.threads)}
        with self._log.open("w", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                [str(engine.python), str(DRIVERS / f"{engine.driver}.py"), str(config), mode],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                env={**os.environ, **threads},
            )
        self.versions = self._read()

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """One request and its answer. Raises `JaramError` when the process ended."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):  # anything else was printed by a library before the driver took its output away
                return dict(json.loads(line))
        raise JaramError(f"{self.engine.name} ended before it answered: see {self._log}")

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()


@contextmanager
def drivers(engines: Sequence[Engine], setup: Setup, mode: str) -> Iterator[list[Driver]]:
    """A process for each engine, all alive at once; they end with the block."""
    PLACE.mkdir(exist_ok=True)
    with ExitStack() as stack:
        started = []
        for engine in engines:
            started.append(Driver(engine, setup, mode))
            stack.callback(started[-1].close)
        yield started


def data_place() -> Path:
    """Where the corpus lies for all engines."""
    return PLACE / "data"
