"""Reviewed answers, found again by similarity of the question.

A `Memory` is told what reviewed rows teach and answers at once: nothing is trained, and one row more costs no rebuild.
It knows texts and row numbers, no database and no engine.
"""

from core.memory.lesson import NOT_THE_SAME, Lesson, Match
from core.memory.memory import Memory
from core.memory.similarity import SURE
from core.memory.voting import candidates
from core.memory.wrong import digest

__all__ = ["NOT_THE_SAME", "SURE", "Lesson", "Match", "Memory", "candidates", "digest"]
