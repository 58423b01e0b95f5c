"""What a responder gives: the answer, where it comes from, and what else was thought of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Source = Literal["memory", "neural", "fallback"]

# Who may answer: memory and the engine together, the engine alone, or memory alone.
Mode = Literal["hybrid", "neural", "memory"]
MODES: tuple[Mode, ...] = ("hybrid", "neural", "memory")


@dataclass(frozen=True, slots=True)
class Near:
    """A reviewed row near to the question: its number, what it teaches, and how near it is, 0 to 1 (the same)."""

    row: int
    question: str
    answer: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """An answer that could have been given: its text, who proposed it, and how likely it is right, 0 to 1."""

    text: str
    source: Source
    score: float


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer.

    Attributes:
        text: what is said.
        source: who answered.
        score: how likely the answer is right, 0 to 1; 0 of a fallback.
        model: the name of the model that was asked, or would have been.
        nearest: the reviewed rows nearest to the question, best first.
        candidates: at most five acceptable answers, best first; that of `text` among them unless it is a fallback.
        offers: with a fallback, at most two questions that Jaram can answer.
        blocked: whether the question is on the block list, so that nothing was thought of.
    """

    text: str
    source: Source
    score: float
    model: str
    nearest: tuple[Near, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    offers: tuple[str, ...] = ()
    blocked: bool = False
