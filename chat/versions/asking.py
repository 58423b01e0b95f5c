"""The process's one lineup: any kept version asked at any time, loaded on the first question to it."""

import threading
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

from chat.versions import selectors
from core.reply import Reply, ReplyBusy, ReplyError, ReplyTimeout
from core.reply.lineup import Lineup

_lock = threading.Lock()
_lineup: Lineup | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a version said, or why it said nothing: ``problem`` for everybody, ``detail`` for whoever looks after it.

    ``again``: the version is on its way, so that asking once more makes sense.
    """

    reply: Reply | None = None
    problem: str = ""
    detail: str = ""
    again: bool = False


def ask(version: str, question: str, *, timeout: float) -> Outcome:
    """Ask a version; it takes up to ``timeout`` seconds and raises nothing."""
    try:
        return Outcome(get_lineup().ask(version, question, timeout=timeout))
    except ReplyTimeout as error:
        return Outcome(problem=_("아직 모델을 불러오고 있어요."), detail=str(error), again=True)
    except ReplyBusy as error:
        return Outcome(problem=_("지금은 물어보는 사람이 많아요."), detail=str(error), again=True)
    except ReplyError as error:
        return Outcome(problem=_("이 버전에는 물어볼 수 없어요."), detail=str(error))


def get_lineup() -> Lineup:
    """Return the lineup, made on the first call; it loads nothing by itself. Raises ReplyError."""
    global _lineup
    with _lock:
        if _lineup is None:
            _lineup = Lineup.open(selectors.registry(), analyser=settings.ANALYSER)
        return _lineup


def set_lineup(lineup: Lineup | None) -> Lineup | None:
    """Put another lineup in place (None: make the real one on the next use) and return the one before."""
    global _lineup
    with _lock:
        before, _lineup = _lineup, lineup
        return before
