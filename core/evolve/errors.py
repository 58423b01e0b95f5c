"""What goes wrong while evolving."""

from core.errors import JaramError


class EvolveError(JaramError):
    """The run came to nothing; the live model is as it was. The message says why and what to do."""
