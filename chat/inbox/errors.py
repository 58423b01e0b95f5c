"""What can go wrong while people review."""

from core.errors import JaramError


class InboxError(JaramError):
    """A decision that can't be made as it was asked for; the message tells the reviewer why, in their language."""
