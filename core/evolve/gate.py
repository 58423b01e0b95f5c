"""The gate: the bars that a new model version has to clear before it goes live, and what they say of one.

It judges figures and knows no model: the receipt, the scores and the answers come from elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from core.evolve.errors import EvolveError
from core.evolve.randomisation import chance_of_worse
from core.evolve.receipt import Receipt
from core.evolve.trial import Trial

_ROUNDING = 1e-9  # 0.95 · 60 is a little less than 57
_SHOWN_CANARIES = 3
_UNLUCKY = 0.1  # how often luck may turn away a version that in truth loses half of what it may


@dataclass(frozen=True)
class GateSettings:
    """How high the bars are. Raises `EvolveError` for values that make no sense.

    Attributes:
        min_learned: least share of the corrections that must be learned, 0 … 1.
        max_lost: largest share of the earlier answers that may be lost, 0 … 1; of few answers see `may_lose`.
        confidence: how sure it must be that a version is worse on unseen questions before that counts, 0.5 … 1. Of
            the versions that are in truth as good as the live one a share of 1 - `confidence` at most is turned away.
        draws: exchanges of answers drawn to find that out.
        min_unseen: with fewer unseen questions than this nothing is said of them.
    """

    min_learned: float = 0.95
    max_lost: float = 0.01
    confidence: float = 0.99
    draws: int = 10_000
    min_unseen: int = 20

    def __post_init__(self) -> None:
        for name, least in (("min_learned", 0.0), ("max_lost", 0.0), ("confidence", 0.5)):
            value = getattr(self, name)
            if not least <= value <= 1:
                raise EvolveError(f"the gate's {name} is {value:g}: choose a share from {least:g} to 1, as 0.95")
        for name in ("draws", "min_unseen"):
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
        case: which of the things that can be said of this bar `text` says; empty for what was measured.
        figures: the numbers and texts in `text`, by name, for whoever says it in another language.
    """

    name: str
    passed: bool
    value: float | None
    limit: float
    text: str
    case: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)


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
        try:
            bars = tuple(Bar(**_known(bar)) for bar in data["bars"])
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


def _known(bar: Mapping[str, Any]) -> dict[str, Any]:
    """What a bar of this version has; what a later one adds is left out, and what an older one lacks is empty."""
    known = {name: bar[name] for name in Bar.__dataclass_fields__ if name in bar}
    if not isinstance(known.get("figures", {}), Mapping):
        raise TypeError("figures")
    return known


def _loads(trial: Trial) -> Bar:
    """Every answer must be the same: the questions are chosen among those that it is sure of."""
    if trial.failure:
        text = f"does not load in a process of its own: {trial.failure}"
        return Bar("loads", False, 0.0, 1.0, text, "failed", {"failure": trial.failure})
    if not trial.asked:
        text = "answers no question right, so that nothing shows whether it loads whole"
        return Bar("loads", False, 0.0, 1.0, text, "nothing right")
    share = trial.agreed / trial.asked
    missing = trial.asked - trial.agreed
    text = f"loads in a process of its own and answers {trial.agreed} of {trial.asked} questions as before"
    text += f", needs all: {missing} too few" if missing else ""
    return Bar("loads", not missing, share, 1.0, text, figures={"agreed": trial.agreed, "asked": trial.asked})


def _learned(receipt: Receipt, settings: GateSettings) -> Bar:
    limit = settings.min_learned
    total = len(receipt.corrections)
    if not total:
        text = "nothing to learn that the live model does not know"
        return Bar("learned", True, None, limit, text, "nothing new")
    missing = max(0, math.ceil(limit * total - _ROUNDING) - receipt.learned)
    share = receipt.learned / total
    what, case = ("corrections", "") if receipt.parent else ("reviewed pairs", "first")
    text = f"learned {receipt.learned:,} of {total:,} {what} ({share:.1%}), needs {_percent(limit)}"
    text += f": {missing:,} too few" if missing else ""
    figures = {"learned": receipt.learned, "total": total, "missing": missing}
    return Bar("learned", not missing, share, limit, text, case, figures)


def may_lose(earlier: int, share: float) -> int:
    """How many of so many `earlier` answers a version may lose: the `share`, and of few answers a little more.

    One of fifty answers is 2 % of them, so that the share alone would demand of a version with few answers that it
    loses none, and turn many a good one away. So many are let go that a version which in truth loses half of the
    `share` is turned away at most one time in ten, whatever the number of answers; with 1 %, from 500 answers on, that
    is the share itself. Without a `share` nothing may be lost.
    """
    allowed = math.floor(share * earlier + _ROUNDING)
    while _chance_of_more(allowed, earlier, share / 2) > _UNLUCKY:
        allowed += 1
    return allowed


def _chance_of_more(allowed: int, count: int, rate: float) -> float:
    """How likely more than `allowed` of `count` are lost where each is lost at the `rate`: the binomial's tail."""
    if not 0 < rate < 1 or allowed >= count:
        return 0.0
    lost, kept = math.log(rate), math.log1p(-rate)
    ways = (math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1) for k in range(allowed + 1))
    return 1 - sum(math.exp(way + k * lost + (count - k) * kept) for k, way in enumerate(ways))


def _lost(receipt: Receipt, settings: GateSettings) -> Bar:
    limit = settings.max_lost
    if not receipt.earlier:
        case, why = _no_parent(receipt)
        return Bar("lost", True, None, limit, f"no earlier answers to lose: {why}", case)
    allowed = may_lose(receipt.earlier, limit)
    too_many = max(0, receipt.lost - allowed)
    share = receipt.lost / receipt.earlier
    text = (
        f"lost {receipt.lost:,} of {receipt.earlier:,} earlier answers ({share:.2%}), may lose {_percent(limit)}, "
        f"of so many {allowed:,}"
    )
    text += f": {too_many:,} too many" if too_many else ""
    figures = {"lost": receipt.lost, "earlier": receipt.earlier, "allowed": allowed, "too_many": too_many}
    return Bar("lost", not too_many, share, limit, text, figures=figures)


def _unseen(receipt: Receipt, scores: Sequence[tuple[float, float]], settings: GateSettings) -> Bar:
    limit = settings.confidence
    if receipt.parent is None:
        return Bar("unseen", True, None, limit, "unseen questions are not compared: no model is live", "no parent")
    if len(scores) < settings.min_unseen:
        text = (
            "unseen questions are not compared: "
            f"{len(scores)} that neither model was trained on, needs {settings.min_unseen}"
        )
        return Bar("unseen", True, None, limit, text, "few", {"questions": len(scores), "needed": settings.min_unseen})
    ours, theirs = (sum(side) / len(scores) for side in zip(*scores, strict=True))
    chance = chance_of_worse([our - their for our, their in scores], settings.draws)
    passed = 1 - chance < limit
    text = (
        f"scores chrF {ours:.1f} on {len(scores):,} unseen questions, the live model {theirs:.1f}: "
        f"luck alone makes an equal model as bad with probability {chance:.3g}"
    )
    text += "" if passed else f", needs more than {1 - limit:.3g}: {theirs - ours:.1f} points worse"
    figures = {"questions": len(scores), "chrf": round(ours, 1), "before": round(theirs, 1), "chance": chance}
    return Bar("unseen", passed, 1 - chance, limit, text, figures=figures)


def _canaries(receipt: Receipt) -> Bar:
    unheld = f"; {len(receipt.unheld)} more not learned, and so not asked" if receipt.unheld else ""
    total = len(receipt.canaries)
    if not total:
        text = f"no answers that must always hold{unheld}"
        return Bar("canaries", True, None, 1.0, text, "none", {"unheld": len(receipt.unheld)})
    broken = [canary for canary in receipt.canaries if not canary.held]
    held = total - len(broken)
    text = f"{held:,} of {total:,} answers that must always hold do"
    if broken:
        named = ", ".join(f"{one.question} (answered: {one.given or 'nothing'})" for one in broken[:_SHOWN_CANARIES])
        more = f" and {len(broken) - _SHOWN_CANARIES} more" if len(broken) > _SHOWN_CANARIES else ""
        text += f", needs all: not {named}{more}"
    figures = {
        "held": held,
        "total": total,
        "unheld": len(receipt.unheld),
        "broken": [{"question": one.question, "given": one.given} for one in broken[:_SHOWN_CANARIES]],
    }
    return Bar("canaries", not broken, held / total, 1.0, text + unheld, figures=figures)


def _no_parent(receipt: Receipt) -> tuple[str, str]:
    """Why there are no earlier answers: the case, and in words."""
    return (
        ("none held", "the live model kept none that still hold")
        if receipt.parent
        else ("no parent", "no model is live")
    )


def _percent(share: float) -> str:
    return f"{100 * share:g}%"
