"""How far a run is, for whoever watches it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

logger = logging.getLogger(__name__)

Phase = Literal["corpus", "train", "evaluate", "publish"]


@dataclass(frozen=True, slots=True)
class Progress:
    """One moment of a run.

    Args:
        phase: what is being done.
        step: steps done of `total`; of training, batches; of evaluation, questions.
        total: 0 where it is not known yet.
        loss: of a sentence, None outside of training.
        words_per_second: tokens of both sides, likewise.
        eta_s: seconds left in this phase, None where unknown.
        dev_bleu: of the last evaluation on dev, None without one.
    """

    phase: Phase
    step: int = 0
    total: int = 0
    loss: float | None = None
    words_per_second: float | None = None
    eta_s: float | None = None
    dev_bleu: float | None = None


class ProgressFile:
    """Reads the engine's progress file, JSON lines, while the engine is writing it."""

    def __init__(self, path: Path, total: int) -> None:
        self._path = path
        self._position = 0
        self.latest = Progress("train", 0, total)

    def advance(self) -> bool:
        """Read what was written since the last time into `latest`; whether there was anything."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._position)
                written = file.read()
        except FileNotFoundError:  # the engine is still starting
            return False
        # A line without its end is still being written; it is read the next time.
        whole = written[: written.rfind(b"\n") + 1]
        self._position += len(whole)
        for line in whole.splitlines():
            self._take(line)
        return bool(whole)

    def _take(self, line: bytes) -> None:
        try:
            values = json.loads(line)
        except ValueError:
            logger.warning("a line of %s is no JSON: %r", self._path.name, line[:80])
            return
        if isinstance(values, dict):
            self.latest = _progress(values, self.latest)


def _progress(values: Mapping[str, Any], before: Progress) -> Progress:
    """The engine's evaluations on dev are moments of its training: they keep the loss and speed of `before`."""
    return Progress(
        phase="train",
        step=int(values.get("step", before.step)),
        total=int(values.get("total", before.total)),
        loss=values.get("loss", before.loss),
        words_per_second=values.get("wps", before.words_per_second),
        eta_s=values.get("eta_s", before.eta_s),
        dev_bleu=values.get("dev_bleu", before.dev_bleu),
    )
