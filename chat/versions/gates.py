"""What the gate said of a version, in words for everybody."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from chat.templatetags.versions import share
from chat.versions.records import Version, text
from chat.versions.sentences import bar_text
from core.evolve.errors import EvolveError
from core.evolve.gate import Bar, GateResult


@dataclass(frozen=True, slots=True)
class Bars:
    """The gate's verdict with each of its bars; ``unreadable`` when the manifest holds one that is none."""

    passed: bool
    forced: bool
    bars: list["BarText"]
    unreadable: bool = False


@dataclass(frozen=True, slots=True)
class BarText:
    """One bar: its name, what was measured against what, all of it in words, and the error that it met, if any."""

    label: str
    passed: bool
    applies: bool
    value: str
    limit: str
    detail: str
    error: str


def gate(version: Version) -> Bars | None:
    """Return what the gate said; None for a version made before there was one."""
    if not version.gate:
        return None
    try:
        result = GateResult.from_dict(version.gate)
        return Bars(result.passed, result.forced, [_bar(bar) for bar in result.bars])
    except (EvolveError, TypeError, ValueError):
        return Bars(passed=version.gate.get("passed") is True, forced=False, bars=[], unreadable=True)


def _bar(bar: Bar) -> BarText:
    label, limit = _words(bar)
    return BarText(
        label=label,
        passed=bool(bar.passed),
        applies=bar.value is not None,
        value=share(None if bar.value is None else float(bar.value)),
        limit=limit,
        detail=bar_text(bar),
        error=text(bar.figures, "failure"),
    )


def _words(bar: Bar) -> tuple[str, str]:
    """Return a bar's name and what it is held against. One that a later version adds keeps the name it has."""
    limit = f"{100 * float(bar.limit):g}%"
    known = {
        "loads": (_("새로 불러와도 똑같이 답한 비율"), _("전부")),
        "learned": (_("고친 답을 배운 비율"), _("%s 이상") % limit),
        "lost": (_("전에 맞던 답을 잃은 비율"), _("%s 이하") % limit),
        "unseen": (_("처음 보는 질문에 전보다 못 답한다는 확신"), _("%s 미만") % limit),
        "canaries": (_("꼭 지켜야 할 답을 지킨 비율"), _("전부")),
    }
    return known.get(bar.name, (str(bar.name), limit))
