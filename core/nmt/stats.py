"""What a training tells about itself from one log line to the next."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import numpy as np

from core.nmt.dataset import Ids
from core.nmt.errors import NmtError


class Stats:
    """Sums over the steps since `step`."""

    def __init__(self, step: int, max_gradient_norm: float) -> None:
        self._first = step
        self._max_norm = max_gradient_norm
        self._start = time.perf_counter()
        self._loss = self._norm = self._clip_ratio = 0.0
        self._sentences = self._src_tokens = self._tgt_tokens = 0

    def add(self, loss: float, norm: float, batch: Sequence[Ids]) -> None:
        """Count a step: the summed `loss` of its tokens, its gradient's norm, and its `model.Batch`; of several members
        their means.

        Raises `NmtError` when a number is none any more.
        """
        # A gradient that is no number has spoilt the weights already, which the next loss alone would show.
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise NmtError(f"the loss is {loss}, the gradient's norm {norm}: train again with a lower --learning_rate")
        _, src_lengths, _, _, tgt_lengths = batch
        self._loss += loss
        self._norm += norm
        self._clip_ratio += min(1.0, self._max_norm / norm) if norm else 1.0
        self._sentences += len(src_lengths)
        self._src_tokens += int(np.sum(src_lengths))
        self._tgt_tokens += int(np.sum(tgt_lengths))

    def leave_out(self, seconds: float) -> None:
        """Do not count so many seconds, in which nothing was trained."""
        self._start += seconds

    def summary(self, step: int, total: int) -> dict[str, float]:
        """Numbers by name, averaged over the steps up to `step`.

        `loss` of a sentence; `ppl` of a target token; `grad_norm` before clipping, and `clip_ratio`, what clipping left
        of it; `step_time` in seconds; `wps`, tokens of both sides a second; `eta_s`, seconds left to step `total`.
        """
        steps = step - self._first
        seconds = time.perf_counter() - self._start
        return {
            "loss": self._loss / self._sentences,
            "ppl": math.exp(min(self._loss / self._tgt_tokens, 100.0)),
            "grad_norm": self._norm / steps,
            "clip_ratio": self._clip_ratio / steps,
            "step_time": seconds / steps,
            "wps": (self._src_tokens + self._tgt_tokens) / seconds,
            "eta_s": (total - step) * seconds / steps,
        }
