"""What goes wrong with model versions."""

from core.errors import JaramError


class RegistryError(JaramError):
    """A run is missing, damaged or can't be made live; `data/current` is as it was."""


class LockHeld(RegistryError):
    """Another process does what only one may do at a time."""
