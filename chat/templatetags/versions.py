"""Numbers of the version pages, as people read them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from chat.versions import records

_COLOURS = {
    **dict.fromkeys(("learned", "better", "held"), "good"),
    **dict.fromkeys(("missed", "worse", "broken"), "bad"),
    **dict.fromkeys(("unheld",), "warn"),
}

register = template.Library()


@register.filter
def share(value: float | None) -> str:
    """Write a share, 0 … 1, as a percentage; never 100% for less than all, nor 0% for more than nothing."""
    if value is None:
        return "–"
    percent = round(100 * value, 1)
    if value < 1 <= percent / 100:
        percent = 99.9
    if value > 0 >= percent:
        percent = 0.1
    return f"{number_format(percent, 0 if percent in (0, 100) else 1)}%"


@register.filter
def measure(value: float | None) -> str:
    """Write a score, 0 … 100, with one decimal."""
    return "–" if value is None else number_format(value, 1)


@register.filter
def amount(value: int | None) -> str:
    """Write a count with its thousands apart."""
    return "–" if value is None else f"{value:,}"


@register.filter
def duration(seconds: float | None) -> str:
    """Write seconds as minutes and seconds."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return _("%d초") % rest
    return _("%(minutes)d분 %(seconds)d초") % {"minutes": minutes, "seconds": rest}


@register.filter
def plain(value: Any) -> str:
    """Write a value of a hyperparameter."""
    if value is None:
        return "–"
    return str(value).lower() if isinstance(value, bool) else str(value)


@register.filter
def moment(value: str) -> datetime | None:
    """Read an ISO 8601 moment."""
    return records.moment(value)


@register.filter
def reason(value: str) -> str:
    """Say how a version came to be live."""
    known = {
        "makedata": _("학습이 끝나서"),
        "publish": pgettext("reason", "내보내기"),
        "rollback": _("되돌리기"),
        "force": _("기준을 무시하고 내보내기"),
        "setup": _("설치하면서"),
    }
    return known.get(value, value)


@register.filter
def colour(outcome: str) -> str:
    """Return the colour of what became of a line: good, bad, warn or plain."""
    return _COLOURS.get(outcome, "plain")


@register.filter
def named(names: Mapping[str, str], value: str) -> str:
    """Look a name up; a value without one is its own name."""
    return names.get(value, value)
