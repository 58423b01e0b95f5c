"""The engine's one exception root, and the errors of others in one line."""


class NmtError(Exception):
    """Something the caller can put right; the message says what is wrong and what to do about it."""


def first_line(error: Exception) -> str:
    """What TensorFlow complains of, without the pages that it may add."""
    return next(iter(str(error).splitlines()), type(error).__name__)
