"""What became of a run, for whoever asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from core.corpus import CorpusReport
from core.evolve.scores import Scores

Status = Literal["published", "kept", "rejected"]


@dataclass(frozen=True)
class RunSummary:
    """What became of a run.

    Attributes:
        run: its name; None after a dry run.
        parent: the run that was live when it began.
        status: whether it is live now, was kept beside the live one as was asked, or was turned down by the gate.
        report: what became of every pair.
        scores: None after a dry run.
        reviewed: trained pairs that a person wrote or approved, which the receipt lists.
        learned: how many of those are answered word for word.
        seconds: what each phase took.
        warm: whether it went on from its parent's weights.
        why: why it did, or why it was trained from scratch.
        resumed: whether it goes on with what a killed run left.
    """

    run: str | None
    parent: str | None
    status: Status
    report: CorpusReport
    scores: Scores | None
    reviewed: int
    learned: int
    seconds: Mapping[str, float]
    warm: bool = False
    why: str = ""
    resumed: bool = False

    @property
    def published(self) -> bool:
        """Whether it is live now."""
        return self.status == "published"
