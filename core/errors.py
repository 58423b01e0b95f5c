"""The one exception root of everything in `core` above the engine."""


class JaramError(Exception):
    """Something a person can put right; the message says what is wrong and what to do about it."""
