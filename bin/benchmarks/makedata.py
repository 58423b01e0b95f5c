"""A run of `manage.py makedata` without Django, with its progress on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from core.corpus import Pair
from core.evolve import EvolveSettings, Progress, RunSummary, evolve
from core.registry import Registry


def run(pairs: Sequence[Pair], registry: Registry, settings: EvolveSettings) -> RunSummary:
    """One run, with its progress on standard error."""
    told = 0.0

    def show(progress: Progress) -> None:
        nonlocal told
        if time.monotonic() - told > 5:
            told = time.monotonic()
            left = "" if progress.eta_s is None else f", {progress.eta_s / 60:.1f} min left"
            sys.stderr.write(f"{progress.phase} {progress.step}/{progress.total}{left}\n")

    return evolve(pairs, registry=registry, settings=settings, on_progress=show)
