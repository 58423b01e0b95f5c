"""How often to tell how far something is."""

from __future__ import annotations

import time

# What takes less needs no word, and nobody reads faster.
SECONDS = 2.0


class Pace:
    """Says when it is time to tell: not before `seconds` have passed, and so long after the last time."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._start = self._told = time.monotonic()

    def due(self) -> bool:
        """Whether to tell now; who asks and hears yes is taken to tell."""
        now = time.monotonic()
        if now - self._told < self._seconds:
            return False
        self._told = now
        return True

    def left(self, done: int, total: int) -> float:
        """Seconds that the rest takes, when it goes on as it did; `done` is above 0."""
        return (time.monotonic() - self._start) / done * (total - done)
