"""Bringing a file of pairs into the database, batch by batch. Knows no terminal."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from chat import services
from chat.models import Chat
from chat.pairfiles import BadLine, PairLine

BATCH_SIZE = 500


@dataclass(slots=True)
class ImportSummary:
    """What became of a file's lines; every line that is not blank is counted once."""

    new: int = 0
    approved: int = 0  # were stored already, undecided, and are approved now
    duplicates: int = 0
    bad: list[BadLine] = field(default_factory=list)

    def count(self, added: services.Added) -> None:
        """Add what became of one batch."""
        self.new += added.new
        self.approved += added.approved
        self.duplicates += added.duplicates


def import_pairs(
    lines: Iterable[PairLine | BadLine],
    *,
    origin: Chat.Origin,
    approve: bool,
    on_progress: Callable[[], None] = lambda: None,
) -> ImportSummary:
    """Store the good lines, leaving out what is stored already, and return what became of all of them.

    Each batch is one transaction: an import that is broken off can be run again and goes on where it was.
    ``on_progress`` is called after each batch.
    """
    summary = ImportSummary()
    batch: list[services.NewPair] = []

    def store() -> None:
        if batch:
            summary.count(services.add_pairs(pairs=batch, origin=origin, approve=approve))
            batch.clear()
        on_progress()

    for line in lines:
        if isinstance(line, BadLine):
            summary.bad.append(line)
            continue
        batch.append(services.NewPair(line.question, line.answer, line.category))
        if len(batch) == BATCH_SIZE:
            store()
    store()
    return summary
