"""The engine as a process: started, watched, ended, and its last words when it fails."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import core
from core.evolve.errors import EvolveError
from core.evolve.settings import FlagValue

_ROOT = Path(core.__file__).parents[1]
_LAUNCHER = Path(__file__).with_name("launch.py")
_POLL_SECONDS = 0.2
_LOG_TAIL = 16_384  # bytes of the log in which the last line is looked for


@dataclass(frozen=True, slots=True)
class EngineCall:
    """One `python -m core.nmt`, or another program of the same kind.

    Args:
        flags: name → value, in the order of the command line. Paths are relative to `directory`, so that
            nothing in a run depends on where it lies.
        directory: the run's draft, in which the engine works.
        log: what it says is appended here, after the command itself.
        niceness: added to its nice value.
        module: the program.
    """

    flags: Mapping[str, FlagValue]
    directory: Path
    log: Path
    niceness: int = 0
    module: str = "core.nmt"

    @property
    def arguments(self) -> list[str]:
        """The flags as words of a command line."""
        return [f"--{name}={_spelt(value)}" for name, value in self.flags.items()]


Runner = Callable[[EngineCall, Callable[[], None]], None]


def run_engine(call: EngineCall, on_wait: Callable[[], None]) -> None:
    """Run the engine to its end, calling `on_wait` several times a second and once after it.

    An exception, from `on_wait` or a signal handler, ends the engine before it goes on. Raises `EvolveError`
    with the engine's last words when it fails.
    """
    with call.log.open("a", encoding="utf-8") as log:
        log.write(f"$ python -m {call.module} {shlex.join(call.arguments)}\n")
        log.flush()
        engine = [sys.executable, "-P", "-m", call.module, *call.arguments]
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), str(call.niceness), *engine],
            cwd=call.directory,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Ctrl-C is for this process, which then ends the engine. A group, and no session: kernels that share the
            # processor among sessions would let an engine in one of its own keep up with the server, however nice.
            process_group=0,
        )
        try:
            while _is_running(process):
                on_wait()
        finally:
            process.kill()
            process.wait()
    if process.returncode:
        raise EvolveError(_failure(process.returncode, call.log))
    on_wait()


@contextlib.contextmanager
def sigterm_exits() -> Iterator[None]:
    """Let SIGTERM unwind the body as Ctrl-C does, so that it can clean up; then exit with 143.

    Signals belong to the main thread and to whoever set a handler before: elsewhere this does nothing.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _is_running(process: subprocess.Popen[bytes]) -> bool:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_POLL_SECONDS)
    return process.poll() is None


def _environment() -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}


def _spelt(value: FlagValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _failure(code: int, log: Path) -> str:
    if code < 0:
        name = signal.Signals(-code).name
        hint = ": often too little memory; lower num_units or batch_size" if name == "SIGKILL" else ""
        return f"the engine was ended by {name}{hint}"
    words = last_words(log)
    if "No space left" in words:
        return "the engine failed, the disk is full: free some space and run makedata again"
    return f"the engine failed: {words}"


def last_words(log: Path) -> str:
    """The last line of a log that says something; of a traceback that is the exception."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _LOG_TAIL))
        tail = file.read().decode("utf-8", "replace")
    lines = [line.strip() for line in tail.splitlines()]
    said = [line for line in lines if line and not line.startswith("$ ")]
    return said[-1].removeprefix("core.nmt: ").removeprefix("core.reply: ") if said else "it said nothing"
