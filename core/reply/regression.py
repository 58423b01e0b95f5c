"""The weights of a calibration, found by Newton's method on labelled candidates. It knows numbers alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple

import numpy as np
from numpy.typing import NDArray

from core.reply.calibration import Logistic
from core.reply.evidence import FEATURES, Evidence

Floats = NDArray[np.float64]

_STEPS = 60
_ENOUGH = 1e-8  # largest change of a weight that ends the fitting


def table(evidence: Sequence[Evidence]) -> Floats:
    """`evidence` of N candidates → (N, F), a column for each of `FEATURES`."""
    return np.array([astuple(one) for one in evidence], np.float64).reshape(len(evidence), len(FEATURES))


def fit_logistic(features: Floats, right: Floats, names: Sequence[str], *, decay: float = 1.0) -> Logistic:
    """The likeliest weights of `names` for `features` (N, F), a column for each of `FEATURES`, and `right` (N,).

    Iteratively reweighted least squares: Bishop (2006), "Pattern Recognition and Machine Learning", section 4.3.3, with
    `decay`/2 · Σ weight² of standardised columns against weights that few examples speak for.
    """
    chosen = features[:, [FEATURES.index(name) for name in names]]
    mean, spread = chosen.mean(0), _spread(chosen)
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
    return Logistic(dict(zip(names, scaled.tolist(), strict=True)), float(weights[-1] - scaled @ mean))


def _spread(columns: Floats) -> Floats:
    """The standard deviation of each column, 1 of one that never varies."""
    spread: Floats = columns.std(0)
    return np.where(spread > 0, spread, 1.0)
