"""The engine's one exception root."""


class NmtError(Exception):
    """Something the caller can put right; the message says what is wrong and what to do about it."""
