"""What goes into memory and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass

NOT_THE_SAME = 0.999  # most similarity of a question that is another one, however alike


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one reviewed row teaches.

    Attributes:
        row: its number; a later lesson of the same row takes the place of this one.
        question: as it was asked.
        answer: the right one; None where the row only tells what is wrong.
        wrong: answers that must never be given to the question.
    """

    row: int
    question: str
    answer: str | None
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """A reviewed question near to the one that was asked, and the answer that is right for it.

    Attributes:
        row: the number of the row that teaches it.
        question, answer: as they stand in that row.
        similarity: 0 to 1; 1.0 for the same question (`core.text.question_key`), and for no other.
        shared: how many different reviewed questions have this very answer.
        alike: whether the question is the one that was asked, in hardly other words.
    """

    row: int
    question: str
    answer: str
    similarity: float
    shared: int = 1
    alike: bool = False
