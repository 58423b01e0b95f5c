"""How a training went, step by step: the progress file of a finished run as curves."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

from core.evolve.errors import EvolveError

PROGRESS_FILE = "progress.jsonl"

# What a curve is drawn of: the engine's names, of training and of the held-out dev pairs.
MEASURES = ("loss", "ppl", "dev_ppl", "dev_bleu")

# Steps with their values, in order of step.
Points = tuple[tuple[int, float], ...]


def read_curves(run_dir: Path) -> Mapping[str, Points]:
    """The curves in the progress file of a run: each of `MEASURES` that was measured, with its points.

    A training that was resumed has some steps twice; the later value holds. A line that is cut short is left out, and
    so is a value that is not finite. Empty without a progress file. Raises `EvolveError` when it can't be read.
    """
    found: dict[str, dict[int, float]] = {name: {} for name in MEASURES}
    path = run_dir / PROGRESS_FILE
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise EvolveError(f"can't read {path}: {error.strerror}") from error
    for line in lines:
        for name, step, value in _measured(line):
            found[name][step] = value
    return {name: tuple(sorted(values.items())) for name, values in found.items() if values}


def _measured(line: bytes) -> list[tuple[str, int, float]]:
    try:
        values = json.loads(line)
    except ValueError:
        return []
    step = values.get("step") if isinstance(values, dict) else None
    if not isinstance(step, int):
        return []
    return [(name, step, float(values[name])) for name in MEASURES if _is_finite(values.get(name))]


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
