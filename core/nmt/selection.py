"""Which weights are kept: the served ones, and the best by each metric."""

from __future__ import annotations

from typing import Any

from core.nmt.checkpoints import Checkpoints
from core.nmt.hparams import HParams

# In the scores of a mean of checkpoints: of how many it is the mean.
AVERAGED = "averaged_ckpts"


class Selection:
    """Compares the scores of the model's present weights with those on file, and keeps the weights that win.

    `best` holds what is served: the best by the first of `--metrics` on dev. When there are more metrics each has a
    `best_<metric>` of its own too.
    """

    def __init__(self, hparams: HParams, checkpoints: Checkpoints) -> None:
        self._hparams = hparams
        self._checkpoints = checkpoints

    def consider(self, scores: dict[str, Any]) -> None:
        """Keep the present weights wherever these are their `scores` and the best so far."""
        first, *others = self._hparams.metric_names or ("",)
        served = self._wins(scores, first, on_file="")
        if served:
            self._checkpoints.save_best(scores)
        if not others:
            return
        if served or self._checkpoints.best(first) is None:
            self._checkpoints.share_best(first)
        for metric in others:
            if self._wins(scores, metric, on_file=metric):
                if served:
                    self._checkpoints.share_best(metric)
                else:
                    self._checkpoints.save_best(scores, metric)

    def best_scores(self) -> dict[str, float]:
        """The best score on dev by each metric, `best_<metric>`; none before the first evaluation."""
        first, *_ = self._hparams.metric_names or ("",)
        found = {}
        for metric in self._hparams.metric_names:
            best = self._checkpoints.best("" if metric == first else metric) or {}
            if f"dev_{metric}" in best:
                found[f"best_{metric}"] = float(best[f"dev_{metric}"])
        return found

    def _wins(self, scores: dict[str, Any], metric: str, *, on_file: str) -> bool:
        best = self._checkpoints.best(on_file)
        # Scores by other metrics, or without dev, are those of an earlier command and can't be compared.
        if best is None or best.keys() - {AVERAGED} != scores.keys() - {AVERAGED}:
            return True
        return self._rank(scores, metric) >= self._rank(best, metric)

    def _rank(self, scores: dict[str, Any], metric: str) -> tuple[float, ...]:
        """What makes weights better: the metric on dev, then perplexity.

        A later step wins without dev, and before `best_from_step`, where the learning rate is still too high for a
        choice: dev scores of half-trained weights differ by chance, and the best of them is not the best learned.
        """
        early = min(scores["step"], self._hparams.best_from_step)
        if "dev_ppl" not in scores:
            return (early, scores["step"])
        return (early, *([scores[f"dev_{metric}"]] if metric else []), -scores["dev_ppl"])
