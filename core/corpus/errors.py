"""What can go wrong with a corpus."""

from core.errors import JaramError


class CorpusError(JaramError):
    """There is nothing to learn from, the settings can't be met or the files can't be written."""
