"""One reviewed question, and the rows that answer it."""

from __future__ import annotations

from collections.abc import Iterator

from core.memory.features import Spelling


class Reviewed:
    """A question under its number in the index, with its answers, and the rows that give each.

    Attributes:
        number: of the question.
        spelling: as it was first taught.
        answers: answer → its rows, the newest last.
    """

    __slots__ = ("_decisions", "answers", "number", "spelling")

    def __init__(self, number: int, spelling: Spelling) -> None:
        self.number = number
        self.spelling = spelling
        self.answers: dict[str, dict[int, int]] = {}
        self._decisions = 0

    def add(self, answer: str, row: int) -> bool:
        """Let `row` be the newest that answers; whether no other row gives this answer."""
        rows = self.answers.setdefault(answer, {})
        self._decisions += 1
        rows[row] = self._decisions
        return len(rows) == 1

    def remove(self, answer: str, row: int) -> bool:
        """Take back what `add` added; whether no row gives this answer any more."""
        rows = self.answers[answer]
        del rows[row]
        if rows:
            return False
        del self.answers[answer]
        return True

    def newest_rows(self) -> Iterator[int]:
        """The newest row of each answer, the newest answer first."""
        newest = [next(reversed(rows.items())) for rows in self.answers.values()]
        return (row for row, _ in sorted(newest, key=lambda item: -item[1]))
