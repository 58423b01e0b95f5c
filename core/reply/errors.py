"""Why there is no answer."""

from core.errors import JaramError


class ReplyError(JaramError):
    """No answer can be given; the message says why."""


class ReplyTimeout(ReplyError):
    """The answer did not come in time."""


class ReplyBusy(ReplyError):
    """Too many questions are waiting already; ask again in a moment."""
