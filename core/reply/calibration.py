"""From evidence to a probability: how likely a candidate answer is right.

A small logistic model for each mode, fitted for each run (`core.reply.fitting`) and kept in it as `calibration.json`:
plain numbers, no code. It knows no engine and no memory.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from core.reply.errors import ReplyError
from core.reply.evidence import FEATURES, Evidence
from core.reply.reply import MODES, Mode

CALIBRATION = "calibration.json"

# What the probability of a mode's answers looks at: those of near questions, as memory and engine find them together or
# as memory finds them alone, and those of the engine's own.
LOOKS_AT: Mapping[Mode, tuple[str, ...]] = {
    "hybrid": ("nearest", "share"),
    "neural": ("log_prob",),
    "memory": ("nearest", "share"),
}

_VERSION = 2
_MOST = 30.0  # of a logit, either way: e to that is as good as certain


@dataclass(frozen=True, slots=True)
class Logistic:
    """P(right) = 1 / (1 + e^-(bias + Σ weight · feature)); `weights` by feature, those left out are 0."""

    weights: Mapping[str, float]
    bias: float

    def probabilities(self, evidence: Sequence[Evidence]) -> list[float]:
        """How likely each candidate is right, 0 to 1."""
        scores = (self.bias + _sum(self.weights, one) for one in evidence)
        return [1 / (1 + math.exp(-max(-_MOST, min(_MOST, score)))) for score in scores]


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a run's candidates are weighed by.

    Attributes:
        models: how likely a candidate is right, by mode.
        origin: where the numbers come from, for whoever reads the file.
    """

    models: Mapping[Mode, Logistic]
    origin: str

    def chances(self, mode: Mode, evidence: Sequence[Evidence]) -> list[float]:
        """How likely each candidate of one question is right; none is likelier than the one before it."""
        return list(accumulate(self.models[mode].probabilities(evidence), min))

    def save(self, path: Path) -> None:
        """Write it as JSON. Raises `ReplyError` when that fails."""
        models = {mode: {"bias": model.bias, "weights": dict(model.weights)} for mode, model in self.models.items()}
        content = {"version": _VERSION, "origin": self.origin, "models": models}
        try:
            path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise ReplyError(f"can't write {path}: {error.strerror or error}") from error

    @classmethod
    def load(cls, path: Path) -> Calibration:
        """Read what `save` wrote; in place of an older version's, whose numbers mean something else, the built-in one.

        Raises `ReplyError` for a file that is none.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if int(content["version"]) < _VERSION:
                return DEFAULT
            if content["version"] != _VERSION:
                raise ValueError(f"version {content['version']}")
            models: dict[Mode, Logistic] = {mode: _read(content["models"][mode]) for mode in MODES}
            return cls(models, str(content["origin"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ReplyError(f"{path} is no calibration ({error!r}): run manage.py makedata, or remove it") from error


def _sum(weights: Mapping[str, float], evidence: Evidence) -> float:
    return sum(weight * float(getattr(evidence, name)) for name, weight in weights.items())


def _read(model: Mapping[str, object]) -> Logistic:
    weights = model["weights"]
    if not isinstance(weights, dict) or not set(weights) <= set(FEATURES):
        raise ValueError(f"weights of other features: {weights!r}")
    return Logistic({name: float(weight) for name, weight in weights.items()}, float(str(model["bias"])))


# What `core.reply.fitting` found for a model of 10,042 pairs of everyday talk; for models that have no calibration of
# their own.
DEFAULT = Calibration(
    {
        "hybrid": Logistic({"nearest": 3.545, "share": 3.370}, -4.514),
        "neural": Logistic({"log_prob": 6.541}, -0.089),
        "memory": Logistic({"nearest": 2.858, "share": 3.561}, -4.224),
    },
    "built in",
)
