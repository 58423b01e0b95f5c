"""From evidence to an order and a probability: which candidate is best, how likely it is right, when it is said.

A ranking of what memory and engine propose together, and a small logistic model for each mode, fitted for each run
(`core.reply.fitting`) and kept in it as `calibration.json`: plain numbers, no code. It knows no engine and no memory.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from core.memory import SURE
from core.reply.errors import ReplyError
from core.reply.evidence import FEATURES, Evidence
from core.reply.reply import MODES, Mode

CALIBRATION = "calibration.json"

# What the candidates of one question are told apart by, and what each mode's probability looks at.
RANKED_BY = ("support", "log_prob", "lead", "unreviewed")
LOOKS_AT: Mapping[Mode, tuple[str, ...]] = {
    "hybrid": ("similarity",),
    "neural": ("log_prob",),
    "memory": ("similarity",),
}

_VERSION = 1
_MOST = 30.0  # of a logit, either way: e to that is as good as certain


@dataclass(frozen=True, slots=True)
class Ranking:
    """The candidate of a question with the highest Σ weight · feature is best; features left out weigh 0."""

    weights: Mapping[str, float]

    def scores(self, evidence: Sequence[Evidence]) -> list[float]:
        """A number for each candidate: the higher the better, to be compared within one question."""
        return [_sum(self.weights, one) for one in evidence]


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
        ranking: of what memory and engine propose together.
        models: how likely the best candidate is right, by mode.
        thresholds: an answer that is less likely right is not said; by mode, none for the engine alone.
        origin: where the numbers come from, for whoever reads the file.
    """

    ranking: Ranking
    models: Mapping[Mode, Logistic]
    thresholds: Mapping[Mode, float]
    origin: str

    def threshold_of(self, mode: Mode) -> float:
        """The least probability with which an answer is said."""
        return self.thresholds.get(mode, 0.0)

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
            "thresholds": dict(self.thresholds),
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
            thresholds: dict[Mode, float] = {
                mode: float(content["thresholds"][mode]) for mode in MODES if mode in content["thresholds"]
            }
            return cls(ranking, models, thresholds, str(content["origin"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ReplyError(f"{path} is no calibration ({error!r}): run manage.py makedata, or remove it") from error


def _sum(weights: Mapping[str, float], evidence: Evidence) -> float:
    return sum(weight * float(getattr(evidence, name)) for name, weight in weights.items())


def _read(model: Mapping[str, object]) -> Logistic:
    return Logistic(_read_weights(model["weights"]), float(str(model["bias"])))


def _read_weights(weights: object) -> dict[str, float]:
    if not isinstance(weights, dict) or not set(weights) <= set(FEATURES):
        raise ValueError(f"weights of other features: {weights!r}")
    return {name: float(weight) for name, weight in weights.items()}


def thresholds_of(models: Mapping[Mode, Logistic]) -> dict[Mode, float]:
    """How likely right an answer has to be: as likely as that of a reviewed question which is just near enough.

    How near that is, `core.memory.SURE` says. The engine alone answers whatever it is asked.
    """
    barely = [Evidence(similarity=SURE)]
    return {mode: model.probabilities(barely)[0] for mode, model in models.items() if mode != "neural"}


# What `core.reply.fitting` found for a model of 10,042 pairs of everyday talk; for models that have no calibration of
# their own.
_DEFAULT_MODELS: Mapping[Mode, Logistic] = {
    "hybrid": Logistic({"similarity": 6.005}, -4.741),
    "neural": Logistic({"log_prob": 5.025}, -0.221),
    "memory": Logistic({"similarity": 6.569}, -5.343),
}
DEFAULT = Calibration(
    ranking=Ranking({"support": 0.583, "log_prob": 0.269, "lead": 0.256, "unreviewed": 0.971}),
    models=_DEFAULT_MODELS,
    thresholds=thresholds_of(_DEFAULT_MODELS),
    origin="built in",
)
