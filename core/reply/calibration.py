"""From evidence to an order and a probability: which candidate is best, how likely it is right, when it is said.

A ranking of what memory and engine propose together, and a small logistic model for each mode, fitted for each run
(`core.reply.fitting`) and kept in it as `calibration.json`: plain numbers, no code. It knows no engine and no memory.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np

from core.reply.errors import ReplyError
from core.reply.evidence import FEATURES, Evidence, Floats, Indices, table
from core.reply.reply import MODES, Mode

CALIBRATION = "calibration.json"

# What the candidates of one question are told apart by, and what each mode's probability looks at.
RANKED_BY = ("support", "log_prob", "lead", "unreviewed")
LOOKS_AT: Mapping[Mode, tuple[str, ...]] = {
    "hybrid": ("similarity", "log_prob"),
    "neural": ("log_prob",),
    "memory": ("similarity",),
}

_VERSION = 1
_STEPS = 60
_ENOUGH = 1e-8  # largest change of a weight that ends the fitting


@dataclass(frozen=True, slots=True)
class Ranking:
    """The candidate of a question with the highest Σ weight · feature is best; features left out weigh 0."""

    weights: Mapping[str, float]

    def scores(self, evidence: Sequence[Evidence]) -> list[float]:
        """A number for each candidate: the higher the better, to be compared within one question."""
        found: list[float] = (table(evidence) @ _row(self.weights)).tolist()
        return found

    @classmethod
    def fit(cls, features: Floats, right: Floats, questions: Indices, *, decay: float = 1.0) -> Ranking:
        """The weights with which the right candidates are likeliest chosen: conditional logit, McFadden (1974), Eq. 12.

        `features` (N, F), `right` (N,) of 0 and 1, and the number of each candidate's question, (N,). Questions without
        a right candidate tell nothing and are left out. Newton's method on standardised columns, with `decay`.
        """
        columns = [FEATURES.index(name) for name in RANKED_BY]
        chosen = features[:, columns]
        spread = np.where(chosen.std(0) > 0, chosen.std(0), 1.0)
        groups = [np.flatnonzero(questions == number) for number in np.unique(questions)]
        lists = [(chosen[group] / spread, right[group] / right[group].sum()) for group in groups if right[group].any()]
        weights = np.zeros(len(columns))
        for _ in range(_STEPS):
            slope, curve = decay * weights, decay * np.eye(len(columns))
            for rows, wanted in lists:
                powers = np.exp(rows @ weights - (rows @ weights).max())
                share = powers / powers.sum()
                mean = share @ rows
                slope = slope + rows.T @ (share - wanted)
                curve += (rows * share[:, np.newaxis]).T @ rows - np.outer(mean, mean)
            change = np.linalg.solve(curve, slope)
            weights = weights - change
            if np.abs(change).max() < _ENOUGH:
                break
        return cls(dict(zip(RANKED_BY, (weights / spread).tolist(), strict=True)))


@dataclass(frozen=True, slots=True)
class Logistic:
    """P(right) = 1 / (1 + e^-(bias + Σ weight · feature)); `weights` by feature, those left out are 0."""

    weights: Mapping[str, float]
    bias: float

    def probabilities(self, evidence: Sequence[Evidence]) -> list[float]:
        """How likely each candidate is right, 0 to 1."""
        scores = np.clip(table(evidence) @ _row(self.weights) + self.bias, -30, 30)
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
    """What a run's candidates are weighed by.

    Attributes:
        ranking: of what memory and engine propose together.
        models: how likely the best candidate is right, by mode.
        threshold: an answer that is less likely right is not said, but by the engine alone, which always answers.
        origin: where the numbers come from, for whoever reads the file.
    """

    ranking: Ranking
    models: Mapping[Mode, Logistic]
    threshold: float
    origin: str

    def threshold_of(self, mode: Mode) -> float:
        """The least probability with which an answer is said."""
        return 0.0 if mode == "neural" else self.threshold

    def chances(self, mode: Mode, evidence: Sequence[Evidence]) -> list[tuple[int, float]]:
        """The candidates of one question, given what speaks for each: their places, best first, and probabilities.

        Where the engine answers alone they stay in its order, where memory does in that of their votes. None is
        likelier than the one before it.
        """
        places = list(range(len(evidence)))
        if mode != "neural":
            scores = self.ranking.scores(evidence) if mode == "hybrid" else [one.support for one in evidence]
            places.sort(key=lambda at: -scores[at])
        probabilities = self.models[mode].probabilities([evidence[at] for at in places])
        return list(zip(places, accumulate(probabilities, min), strict=True))

    def save(self, path: Path) -> None:
        """Write it as JSON. Raises `ReplyError` when that fails."""
        models = {mode: {"bias": model.bias, "weights": dict(model.weights)} for mode, model in self.models.items()}
        content = {
            "version": _VERSION,
            "origin": self.origin,
            "threshold": self.threshold,
            "ranking": dict(self.ranking.weights),
            "models": models,
        }
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
            ranking = Ranking(_read_weights(content["ranking"]))
            return cls(ranking, models, float(content["threshold"]), str(content["origin"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ReplyError(f"{path} is no calibration ({error!r}): run manage.py makedata, or remove it") from error


def _row(weights: Mapping[str, float]) -> Floats:
    """The weight of each of `FEATURES`, (F,)."""
    return np.array([weights.get(name, 0.0) for name in FEATURES])


def _read(model: Mapping[str, object]) -> Logistic:
    return Logistic(_read_weights(model["weights"]), float(str(model["bias"])))


def _read_weights(weights: object) -> dict[str, float]:
    if not isinstance(weights, dict) or not set(weights) <= set(FEATURES):
        raise ValueError(f"weights of other features: {weights!r}")
    return {name: float(weight) for name, weight in weights.items()}


# What `core.reply.fitting` found for a model of 10,042 pairs of everyday talk; for models that have no calibration of
# their own. The threshold was chosen there too: it is above 19 of 20 questions that have nothing to do with any pair.
DEFAULT = Calibration(
    ranking=Ranking({"support": 0.665, "log_prob": 0.184, "lead": 0.177, "unreviewed": 1.112}),
    models={
        "hybrid": Logistic({"similarity": 6.292, "log_prob": 0.095}, -4.959),
        "neural": Logistic({"log_prob": 1.0}, -0.5),
        "memory": Logistic({"similarity": 6.3}, -5.0),
    },
    threshold=0.06,
    origin="built in",
)
