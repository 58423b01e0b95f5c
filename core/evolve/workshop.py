"""Where the engine works on a run: what it is told to do there, and how its progress gets out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from core.evolve.engine import EngineCall, Runner
from core.evolve.errors import EvolveError
from core.evolve.failures import LOG
from core.evolve.progress import Progress, ProgressFile
from core.evolve.settings import EvolveSettings, FlagValue
from core.text import Tokenizer

PROGRESS = "progress.jsonl"

_HEARTBEAT_SECONDS = 1.0
_INFER_BATCH_SIZE = 128


class Workshop:
    """A draft's directory with an engine in it."""

    def __init__(
        self, directory: Path, settings: EvolveSettings, runner: Runner, on_progress: Callable[[Progress], None]
    ) -> None:
        self._directory = directory
        self._settings = settings
        self._runner = runner
        self._on_progress = on_progress
        self.step = 0  # that training ended with

    def train(self, flags: Mapping[str, FlagValue]) -> None:
        """Train with `flags`, telling how far it is at least once a second."""
        progress = ProgressFile(self._directory / PROGRESS, total=int(flags["num_train_steps"]))
        told = time.monotonic()

        def watch() -> None:
            nonlocal told
            if progress.advance() or time.monotonic() - told >= _HEARTBEAT_SECONDS:
                told = time.monotonic()
                self._on_progress(progress.latest)

        self._on_progress(progress.latest)
        self._engine(flags, watch)
        self.step = progress.latest.step

    def lost(self) -> list[int] | None:
        """The numbers of the pairs in `keep` that the engine, when it trained towards goals, lost or may have lost.

        None if it did not.
        """
        try:
            scores = json.loads((self._directory / "model" / "best" / "best.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):  # then everything is asked, and whatever is wrong with the model shows there
            return None
        return scores.get("lost_pairs") if isinstance(scores, dict) else None

    def answers(self, sides: Sequence[str], known: Mapping[str, str]) -> dict[str, list[str]]:
        """What the new model answers to every question of `sides`, prefixes of files, in order, by side.

        `known` are answers that need not be asked for again, both sides as lines of tokens. All others come from one
        process, as starting the engine takes longer than answering a small corpus. The answers stay in the run as
        `train.hyp` and `test.hyp`, line by line beside the questions.
        """
        questions = {side: _read_lines(self._directory / f"{side}.req") for side in sides}
        asked = list(dict.fromkeys(line for lines in questions.values() for line in lines if line not in known))
        progress = Progress("evaluate", 0, len(asked))
        self._on_progress(progress)
        answers = dict(known)
        if asked:
            answers |= zip(asked, self._infer(asked, self._heartbeat(progress)), strict=True)
        self._on_progress(replace(progress, step=len(asked)))
        for side, lines in questions.items():
            _write_lines(self._directory / f"{side}.hyp", [answers[line] for line in lines])
        return {side: [Tokenizer.join(answers[line].split(" ")) for line in lines] for side, lines in questions.items()}

    def reply(self, questions: Sequence[str], *, calibrate: bool = False) -> list[str]:
        """What the engine says to `questions`, which are text, where a server loads the new model.

        The same process can `calibrate` it: then the run has a `calibration.json`, if it held out questions enough.
        """
        asked, said = self._directory / "asked.txt", self._directory / "said.txt"
        _write_lines(asked, questions)
        flags: dict[str, FlagValue] = {
            "out_dir": "model",
            "questions": asked.name,
            "answers": said.name,
            "analyser": self._settings.analyser,
            "calibrate": calibrate,
        }
        progress = Progress("evaluate", len(questions), len(questions))
        try:
            self._engine(flags, self._heartbeat(progress), module="core.reply")
            return said.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        finally:  # a version that fails here is kept, and without these
            asked.unlink()
            said.unlink(missing_ok=True)

    def _infer(self, asked: Sequence[str], on_wait: Callable[[], None]) -> list[str]:
        """The model's answers to the lines `asked`."""
        questions, answers = self._directory / "asked.req", self._directory / "asked.hyp"
        _write_lines(questions, asked)
        flags: dict[str, FlagValue] = {
            "out_dir": "model",
            "inference_input_file": questions.name,
            "inference_output_file": answers.name,
            "infer_batch_size": _INFER_BATCH_SIZE,
            **self._settings.thread_flags(),
        }
        self._engine(flags, on_wait)
        lines = answers.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        if len(lines) != len(asked):
            raise EvolveError(f"the engine gave {len(lines)} answers to {len(asked)} questions")
        questions.unlink()
        answers.unlink()
        return lines

    def _engine(self, flags: Mapping[str, FlagValue], on_wait: Callable[[], None], module: str = "core.nmt") -> None:
        log = self._directory / LOG
        self._runner(EngineCall(flags, self._directory, log, self._settings.niceness, module), on_wait)

    def _heartbeat(self, progress: Progress) -> Callable[[], None]:
        told = time.monotonic()

        def beat() -> None:
            nonlocal told
            if time.monotonic() - told >= _HEARTBEAT_SECONDS:
                told = time.monotonic()
                self._on_progress(progress)

        return beat


def _read_lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").split("\n")[:-1]


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
