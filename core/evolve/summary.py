"""What became of a run, for whoever asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from core.corpus import CorpusReport
from core.corpus.validation import ValidationReport
from core.evolve.gate import GateResult
from core.evolve.receipt import Receipt
from core.evolve.scores import Scores

Status = Literal["published", "kept", "rejected", "overtaken"]


@dataclass(frozen=True)
class RunSummary:
    """What became of a run.

    Attributes:
        run: its name; None after a dry run.
        parent: the run that was live when it began.
        status: whether it is live now, was kept beside the live one as was asked, was turned down by the gate, or was
            overtaken: another version went live meanwhile, which it was not compared with.
        report: what became of every pair.
        validation: what is worth knowing about the data.
        scores: None after a dry run, as all that follows.
        receipt: what was to be learned, and whether it was.
        gate: what the gate said.
        seconds: what each phase took.
        warm: whether it went on from its parent's weights.
        why: why it did, or why it was trained from scratch.
        resumed: whether it goes on with what a killed run left.
        leftovers: what became of what killed runs left, in words; empty where none did.
    """

    run: str | None
    parent: str | None
    status: Status
    report: CorpusReport
    validation: ValidationReport | None = None
    scores: Scores | None = None
    receipt: Receipt | None = None
    gate: GateResult | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    warm: bool = False
    why: str = ""
    resumed: bool = False
    leftovers: str = ""

    @property
    def published(self) -> bool:
        """Whether it is live now."""
        return self.status == "published"

    @property
    def reviewed(self) -> int:
        """How many pairs the receipt lists: what was corrected since the parent, without one all that was reviewed."""
        return len(self.receipt.corrections) if self.receipt else 0

    @property
    def learned(self) -> int:
        """How many of those are answered word for word."""
        return self.receipt.learned if self.receipt else 0
