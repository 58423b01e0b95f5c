"""What can go wrong with text."""

from core.errors import JaramError


class TextError(JaramError):
    """No such analyser, or one that can't be started; the message says what to do about it."""
