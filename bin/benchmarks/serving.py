"""`bin/bench serving`: how long visitors wait for an answer while nothing else is done, and while a model is trained.

`bin/serve` starts a server with the bundled model, and the trainer beside it. It is asked over a websocket at a fixed
rate, in turns: idle, training, idle, training. What a visitor waits counts from when the question was due, so that a
server that stalls can't hide it by being asked less.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from benchmarks.machine import print_table, say
from benchmarks.websocket import WebSocket
from core.errors import JaramError

ROOT = Path(__file__).parents[2]
QUESTIONS = ROOT / "data" / "initial" / "corpus.csv"

_HOST = "127.0.0.1"
_PATIENCE = 180.0  # seconds that the server has to start, and a training to get to its steps
_REPLY_PATIENCE = 30.0
_POLL = 0.2
_SETTLING = 15.0  # seconds that do not count: the trainer beside a new server is still starting
_WARM_UP = 20  # questions that do not count


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured.

    Args:
        questions: what is asked, over and over.
        rate: questions a second.
        seconds: of each turn.
        rounds: pairs of turns.
        settings: of the installation, by the names of their environment variables.
    """

    questions: Sequence[str]
    rate: float
    seconds: float
    rounds: int
    settings: Mapping[str, str] = field(default_factory=dict)


class Installation:
    """A fresh installation with the bundled model in a directory of its own."""

    def __init__(self, directory: Path, settings: Mapping[str, str]) -> None:
        self.data_dir = directory / "data"
        self.log = directory / "server.log"
        with socket.socket() as probe:
            probe.bind((_HOST, 0))
            self.port: int = probe.getsockname()[1]
        given = {
            "DATA_DIR": str(self.data_dir),
            "HOST": _HOST,
            "PORT": str(self.port),
            "SECRET_KEY": secrets.token_hex(),
        }
        unwanted = ("OUT_DIR", "DATABASE_URL", "REDIS_URL")
        self._environment = {name: value for name, value in os.environ.items() if name not in unwanted}
        self._environment |= given | dict(settings)

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """A server with its model loaded."""
        with self.log.open("ab") as log, _process(["bin/serve"], self._environment, log, log) as server:
            self._await_ready(server)
            yield

    @contextlib.contextmanager
    def training(self) -> Iterator[None]:
        """The trainer beside the server trains, and has got to its steps."""
        self._tell("services.request_training(reason=TrainingRun.Reason.BUTTON, from_scratch=True)")
        try:
            self._await_steps()
            yield
            if not self._drafts():
                raise JaramError("the training ended before the turn did: make turns shorter")
        finally:
            self._tell("[services.request_cancel(run_id=run.pk) for run in TrainingRun.objects.unfinished()]")
            self._await_end()

    def _tell(self, statement: str) -> None:
        code = f"from chat.training import services; from chat.training.run import TrainingRun; {statement}"
        command = [sys.executable, "manage.py", "shell", "-v0", "-c", code]
        subprocess.run(command, cwd=ROOT, env=self._environment, check=True, capture_output=True)

    def _drafts(self) -> list[Path]:
        return list((self.data_dir / "models").glob(".draft-*/progress.jsonl"))

    def _await_ready(self, server: subprocess.Popen[bytes]) -> None:
        url = f"http://{_HOST}:{self.port}/healthz"
        for _ in self._patiently(server, "the server did not start"):
            with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
                if json.load(answer)["ready"]:
                    return

    def _await_steps(self) -> None:
        for _ in self._patiently(None, "the training did not get to its steps"):
            if any(path.stat().st_size for path in self._drafts()):
                return

    def _await_end(self) -> None:
        for _ in self._patiently(None, "the training did not end"):
            if not self._drafts():
                return

    def _patiently(self, process: subprocess.Popen[bytes] | None, failure: str) -> Iterator[None]:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline and (process is None or process.poll() is None):
            yield
            time.sleep(_POLL)
        raise JaramError(f"{failure}:\n{self.log.read_text(encoding='utf-8')[-2000:]}")


@contextlib.contextmanager
def _process(
    command: Sequence[str], environment: dict[str, str], output: object, errors: object
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_PATIENCE)


def ask_at_rate(port: int, plan: Plan) -> list[float]:
    """Ask for `plan.seconds`; the seconds from when each question was due to its answer."""
    talk = WebSocket(_HOST, port, "/ws/chat/main/", _REPLY_PATIENCE)
    for number in range(_WARM_UP):
        _ask(talk, plan.questions[number % len(plan.questions)])
    waited = []
    start = time.perf_counter()
    for number in range(round(plan.rate * plan.seconds)):
        due = start + number / plan.rate
        time.sleep(max(0.0, due - time.perf_counter()))
        _ask(talk, plan.questions[number % len(plan.questions)])
        waited.append(time.perf_counter() - due)
    talk.close()
    return waited


def _ask(talk: WebSocket, question: str) -> None:
    answer = json.loads(talk.ask(json.dumps({"message": question})))
    if "error" in answer:
        raise JaramError(f"the server answered with an error: {answer['error']}")


def measure_serving(plan: Plan) -> float:
    """Print what visitors wait, idle and while a model is trained; the ratio of the 99th percentiles."""
    idle: list[list[float]] = []
    busy: list[list[float]] = []
    with tempfile.TemporaryDirectory(prefix="jaram-serving-") as directory:
        site = Installation(Path(directory), plan.settings)
        with site.serving():
            ask_at_rate(site.port, replace(plan, seconds=_SETTLING))
            for _ in range(plan.rounds):
                idle.append(ask_at_rate(site.port, plan))
                with site.training():
                    busy.append(ask_at_rate(site.port, plan))
    say(f"\n{plan.rate:g} questions a second for {plan.seconds:g} s a turn, {plan.rounds} turns of each, alternating.")
    say("")
    print_table(("turn", "median ms", "p99 ms", "slowest ms"), _rows(idle, busy))
    ratio = percentile(list(chain(*busy)), 0.99) / percentile(list(chain(*idle)), 0.99)
    say(f"\np99 while training is {ratio:.2f}× of idle.")
    return ratio


def _rows(idle: Sequence[list[float]], busy: Sequence[list[float]]) -> Iterator[tuple[str, ...]]:
    for number, turns in enumerate(zip(idle, busy, strict=True), 1):
        for name, waited in zip(("idle", "training"), turns, strict=True):
            yield (f"{name} {number}", *_figures(waited))
    yield ("idle, all", *_figures(list(chain(*idle))))
    yield ("training, all", *_figures(list(chain(*busy))))


def _figures(waited: Sequence[float]) -> tuple[str, ...]:
    figures = (statistics.median(waited), percentile(waited, 0.99), max(waited))
    return tuple(f"{1000 * figure:.1f}" for figure in figures)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that is no smaller than `share` of all (the nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1_000_000) * len(ordered) // 1_000_000) - 1)]
