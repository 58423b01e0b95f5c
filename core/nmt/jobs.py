"""One file answered by several processes: who takes which lines, and how their answers become one file.

Each job leaves its part beside the output file. Whoever finds all parts there writes the output and removes them; no
job waits for another, and a job that died is only run again. Parts carry in their names what they were made from, so
that those of another input, model or way of decoding are never taken for these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.nmt.answers import Answer, AnswerFiles, read_answers, write_answers


@dataclass(frozen=True, slots=True)
class Job:
    """This process's `number`, from 0, among so many that share the input."""

    number: int = 0
    count: int = 1

    def share(self, lines: int, batch_size: int) -> range:
        """The numbers of its lines: whole batches, in the order of the file.

        Batches are the same as in one process, for an answer's longest length depends on the batch (tensorflow/nmt,
        which divides lines, can give other answers to the last lines of a share than one process would).
        """
        batches = -(-lines // batch_size)
        first, end = (batches * number // self.count * batch_size for number in (self.number, self.number + 1))
        return range(first, min(lines, end))


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one output file. `origin` names what the answers are made from, as a digest."""

    output: Path
    origin: str
    count: int

    def path(self, number: int) -> Path:
        """Where a job leaves its part."""
        return self.output.with_name(f"{self.output.name}.{self.origin}.part-{number}-of-{self.count}")

    def leave(self, number: int, answers: Iterable[Answer]) -> None:
        """Write a job's part."""
        write_answers(self.path(number), answers)

    def gather(self, files: AnswerFiles) -> list[str] | None:
        """Write the files when all parts are there, and remove these; the best answers, `None` when one is missing."""
        paths = [self.path(number) for number in range(self.count)]
        if not all(path.exists() for path in paths):
            return None
        try:
            best = files.write(self._answers(paths))
        except FileNotFoundError:  # another job saw the last part too, and was faster: the files are written
            return None
        for path in paths:
            path.unlink(missing_ok=True)
        return best

    def _answers(self, paths: list[Path]) -> Iterator[Answer]:
        for path in paths:
            yield from read_answers(path)
