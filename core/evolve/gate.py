"""The gate: the bars that a new model version has to clear before it goes live, and what they say of one.

It judges figures and knows no model: the receipt, the scores and the answers come from elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from core.evolve.bootstrap import share_worse
from core.evolve.errors import EvolveError
from core.evolve.receipt import Receipt
from core.evolve.trial import Trial

_ROUNDING = 1e-9  # 0.95 · 60 is a little less than 57
_SHOWN_CANARIES = 3


@dataclass(frozen=True)
class GateSettings:
    """How high the bars are. Raises `EvolveError` for values that make no sense.

    Attributes:
        min_learned: least share of the corrections that must be learned, 0 … 1.
        max_lost: largest share of the earlier answers that may be lost, 0 … 1.
        confidence: how sure it must be that a version is worse on unseen questions before that counts, 0.5 … 1.
        resamples: test sets drawn to find that out.
        min_unseen: with fewer unseen questions than this nothing is said of them.
    """

    min_learned: float = 0.95
    max_lost: float = 0.01
    confidence: float = 0.95
    resamples: int = 1000
    min_unseen: int = 20

    def __post_init__(self) -> None:
        for name, least in (("min_learned", 0.0), ("max_lost", 0.0), ("confidence", 0.5)):
            value = getattr(self, name)
            if not least <= value <= 1:
                raise EvolveError(f"the gate's {name} is {value:g}: choose a share from {least:g} to 1, as 0.95")
        for name in ("resamples", "min_unseen"):
            if getattr(self, name) < 1:
                raise EvolveError(f"the gate's {name} is {getattr(self, name)}: choose 1 or more")


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Attributes:
        name: `loads`, `learned`, `lost`, `unseen` or `canaries`.
        passed: whether it was cleared; a bar that does not apply is.
        value: what was measured; None where the bar does not apply.
        limit: what it is held against.
        text: all of it in words, and by how much it was missed.
    """

    name: str
    passed: bool
    value: float | None
    limit: float
    text: str


@dataclass(frozen=True)
class GateResult:
    """What the gate says of a version.

    Attributes:
        passed: whether every bar was cleared.
        forced: whether it is to go live although one was not.
        bars: all of them.
    """

    passed: bool
    forced: bool
    bars: tuple[Bar, ...]

    @property
    def failures(self) -> list[str]:
        """The bars that were not cleared, in words."""
        return [bar.text for bar in self.bars if not bar.passed]

    def to_dict(self) -> dict[str, Any]:
        """As the manifest keeps it."""
        return {"passed": self.passed, "forced": self.forced, "bars": [asdict(bar) for bar in self.bars]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> GateResult:
        """What `to_dict` gave. Raises `EvolveError` for anything else."""
        names = Bar.__dataclass_fields__
        try:
            bars = tuple(Bar(**{name: bar[name] for name in names}) for bar in data["bars"])
            return cls(bool(data["passed"]), bool(data["forced"]), bars)
        except (KeyError, TypeError) as error:
            raise EvolveError(f"this is no result of the gate: {type(error).__name__} {error}") from error

    def summary(self) -> list[str]:
        """A line for each bar."""
        return [f"{'passed' if bar.passed else 'FAILED'}  {bar.text}" for bar in self.bars]


def judge(
    receipt: Receipt,
    unseen: Sequence[tuple[float, float]],
    trial: Trial,
    settings: GateSettings,
    *,
    force: bool = False,
) -> GateResult:
    """Hold a version against every bar.

    Args:
        receipt: its receipt.
        unseen: for each question that neither it nor its parent was trained on, its score and the parent's.
        trial: how it did in a process of its own.
        settings: how high the bars are.
        force: whether it goes live all the same.
    """
    bars = (
        _loads(trial),
        _learned(receipt, settings),
        _lost(receipt, settings),
        _unseen(receipt, unseen, settings),
        _canaries(receipt),
    )
    passed = all(bar.passed for bar in bars)
    return GateResult(passed, force and not passed, bars)


def _loads(trial: Trial) -> Bar:
    """Every answer must be the same: the questions are chosen among those that it is sure of."""
    if trial.failure:
        return Bar("loads", False, 0.0, 1.0, f"does not load in a process of its own: {trial.failure}")
    if not trial.asked:
        return Bar("loads", False, 0.0, 1.0, "answers no question right, so that nothing shows whether it loads whole")
    share = trial.agreed / trial.asked
    missing = trial.asked - trial.agreed
    text = f"loads in a process of its own and answers {trial.agreed} of {trial.asked} questions as before"
    return Bar("loads", not missing, share, 1.0, text + (f", needs all: {missing} too few" if missing else ""))


def _learned(receipt: Receipt, settings: GateSettings) -> Bar:
    limit = settings.min_learned
    total = len(receipt.corrections)
    if not total:
        return Bar("learned", True, None, limit, "nothing to learn that the live model does not know")
    missing = math.ceil(limit * total - _ROUNDING) - receipt.learned
    share = receipt.learned / total
    what = "corrections" if receipt.parent else "reviewed pairs"
    text = f"learned {receipt.learned:,} of {total:,} {what} ({share:.1%}), needs {_percent(limit)}"
    return Bar("learned", missing <= 0, share, limit, text + (f": {missing:,} too few" if missing > 0 else ""))


def _lost(receipt: Receipt, settings: GateSettings) -> Bar:
    limit = settings.max_lost
    if not receipt.earlier:
        return Bar("lost", True, None, limit, f"no earlier answers to lose: {_no_parent(receipt)}")
    too_many = receipt.lost - math.floor(limit * receipt.earlier + _ROUNDING)
    share = receipt.lost / receipt.earlier
    text = f"lost {receipt.lost:,} of {receipt.earlier:,} earlier answers ({share:.2%}), may lose {_percent(limit)}"
    return Bar("lost", too_many <= 0, share, limit, text + (f": {too_many:,} too many" if too_many > 0 else ""))


def _unseen(receipt: Receipt, scores: Sequence[tuple[float, float]], settings: GateSettings) -> Bar:
    limit = settings.confidence
    if receipt.parent is None:
        return Bar("unseen", True, None, limit, f"unseen questions are not compared: {_no_parent(receipt)}")
    if len(scores) < settings.min_unseen:
        reason = f"{len(scores)} that neither model was trained on, needs {settings.min_unseen}"
        return Bar("unseen", True, None, limit, f"unseen questions are not compared: {reason}")
    ours, theirs = (sum(side) / len(scores) for side in zip(*scores, strict=True))
    worse = share_worse([our - their for our, their in scores], settings.resamples)
    text = (
        f"scores chrF {ours:.1f} on {len(scores):,} unseen questions, the live model {theirs:.1f}: "
        f"worse in {worse:.1%} of resampled question sets, must stay below {_percent(limit)}"
    )
    passed = worse < limit
    return Bar("unseen", passed, worse, limit, text + ("" if passed else f": {theirs - ours:.1f} points worse"))


def _canaries(receipt: Receipt) -> Bar:
    unheld = f"; {len(receipt.unheld)} more not learned, and so not asked" if receipt.unheld else ""
    total = len(receipt.canaries)
    if not total:
        return Bar("canaries", True, None, 1.0, f"no answers that must always hold{unheld}")
    broken = [canary for canary in receipt.canaries if not canary.held]
    held = total - len(broken)
    text = f"{held:,} of {total:,} answers that must always hold do"
    if broken:
        named = ", ".join(f"{one.question} (answered: {one.given or 'nothing'})" for one in broken[:_SHOWN_CANARIES])
        more = f" and {len(broken) - _SHOWN_CANARIES} more" if len(broken) > _SHOWN_CANARIES else ""
        text += f", needs all: not {named}{more}"
    return Bar("canaries", not broken, held / total, 1.0, text + unheld)


def _no_parent(receipt: Receipt) -> str:
    return "the live model kept none that still hold" if receipt.parent else "no model is live"


def _percent(share: float) -> str:
    return f"{100 * share:g}%"
