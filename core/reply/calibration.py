"""From evidence to a probability: how likely a candidate answer is right, and from when on it is said.

Three small logistic models, one for each mode. They are fitted for each run (`core.reply.fitting`) and kept in it as
`calibration.json`: plain numbers, no code. It knows no engine and no memory.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.reply.errors import ReplyError
from core.reply.evidence import FEATURES, Evidence, Floats, table
from core.reply.reply import MODES, Mode

CALIBRATION = "calibration.json"

# What each mode looks at.
LOOKS_AT: Mapping[Mode, tuple[str, ...]] = {
    "hybrid": FEATURES,
    "neural": ("log_prob",),
    "memory": ("similarity", "support"),
}

_VERSION = 1
_STEPS = 60
_ENOUGH = 1e-8  # largest change of a weight that ends the fitting


@dataclass(frozen=True, slots=True)
class Logistic:
    """P(right) = 1 / (1 + e^-(bias + Σ weight · feature)); `weights` by feature, those left out are 0."""

    weights: Mapping[str, float]
    bias: float

    def probabilities(self, evidence: Sequence[Evidence]) -> list[float]:
        """How likely each candidate is right, 0 to 1."""
        weights = np.array([self.weights.get(name, 0.0) for name in FEATURES])
        scores = np.clip(table(evidence) @ weights + self.bias, -30, 30)
        found: list[float] = (1 / (1 + np.exp(-scores))).tolist()
        return found

    @classmethod
    def fit(cls, features: Floats, right: Floats, names: Sequence[str], *, decay: float = 1.0) -> Logistic:
        """The likeliest weights for `features` (N, F), a column for each of `FEATURES`, and `right` (N,) of 0 and 1.

        Newton's method (iteratively reweighted least squares: Bishop 2006, section 4.3.3) on standardised columns, with
        `decay`/2 · Σ weight² against weights that few examples speak for.
        """
        columns = [FEATURES.index(name) for name in names]
        chosen = features[:, columns]
        mean, spread = chosen.mean(0), chosen.std(0)
        spread = np.where(spread > 0, spread, 1.0)
        rows = np.column_stack([(chosen - mean) / spread, np.ones(len(chosen))])
        penalty = np.array([*([decay] * len(names)), 1e-6])
        weights = np.zeros(len(names) + 1)
        for _ in range(_STEPS):
            probability = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
            slope = rows.T @ (probability - right) + penalty * weights
            curve = (rows * (probability * (1 - probability))[:, np.newaxis]).T @ rows + np.diag(penalty)
            change = np.linalg.solve(curve, slope)
            weights -= change
            if np.abs(change).max() < _ENOUGH:
                break
        scaled = weights[:-1] / spread
        return cls(dict(zip(names, scaled.tolist(), strict=True)), float(weights[-1] - scaled @ mean))


@dataclass(frozen=True, slots=True)
class Calibration:
    """The logistic model of each mode.

    Attributes:
        models: by mode.
        threshold: an answer that is less likely right is not said, but by the engine alone, which always answers.
        origin: where the numbers come from, for whoever reads the file.
    """

    models: Mapping[Mode, Logistic]
    threshold: float
    origin: str

    def threshold_of(self, mode: Mode) -> float:
        """The least probability with which an answer is said."""
        return 0.0 if mode == "neural" else self.threshold

    def save(self, path: Path) -> None:
        """Write it as JSON. Raises `ReplyError` when that fails."""
        models = {mode: {"bias": model.bias, "weights": dict(model.weights)} for mode, model in self.models.items()}
        content = {"version": _VERSION, "origin": self.origin, "threshold": self.threshold, "models": models}
        try:
            path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise ReplyError(f"can't write {path}: {error.strerror or error}") from error

    @classmethod
    def load(cls, path: Path) -> Calibration:
        """Read what `save` wrote. Raises `ReplyError` for a file that is none."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            models: dict[Mode, Logistic] = {mode: _read(content["models"][mode]) for mode in MODES}
            if content["version"] != _VERSION:
                raise ValueError(f"version {content['version']}")
            return cls(models, float(content["threshold"]), str(content["origin"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ReplyError(f"{path} is no calibration ({error!r}): run manage.py makedata, or remove it") from error


def _read(model: Mapping[str, object]) -> Logistic:
    weights = model["weights"]
    if not isinstance(weights, dict) or not set(weights) <= set(FEATURES):
        raise ValueError(f"weights of other features: {weights!r}")
    return Logistic({name: float(weight) for name, weight in weights.items()}, float(str(model["bias"])))


# Fitted by `core.reply.fitting` as `origin` says; for models without a calibration of their own.
DEFAULT = Calibration(
    models={
        "hybrid": Logistic({"similarity": 6.0, "log_prob": 0.8, "lead": 0.3}, -3.0),
        "neural": Logistic({"log_prob": 4.0}, 0.5),
        "memory": Logistic({"similarity": 7.0}, -4.5),
    },
    threshold=0.15,
    origin="built in",
)
