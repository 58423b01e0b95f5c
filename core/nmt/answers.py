"""What was found for the lines of a file, and the files that tell it: plain text, and JSON, one object a line.

A file is written under another name and renamed when it is whole: who finds one, finds all of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from core.nmt.subwords import answer_text
from core.nmt.whole_file import whole_file


@dataclass(frozen=True, slots=True)
class Finding:
    """One hypothesis: its tokens, its log-probability, and `score`, what it was ranked by, after the penalties.

    Minus infinity, which JSON has no number for, is `None`. `weights`: for each token how much it looked at each
    source token; `None` when nobody asked.
    """

    tokens: list[str]
    log_prob: float | None
    score: float | None
    weights: list[list[float]] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found for one line: its number from 0, its tokens, and the hypotheses, best first."""

    line: int
    source: list[str]
    found: list[Finding]

    def to_json(self) -> str:
        """One line of JSON, which `from_json` reads."""
        return _json(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Answer:
        """The answer that `to_json` wrote."""
        values = json.loads(text)
        return cls(**{**values, "found": [Finding(**finding) for finding in values["found"]]})

    def best(self, count: int) -> list[Finding]:
        """The `count` best hypotheses, empty ones where fewer were found: each line has as many answers."""
        return [*self.found, *[Finding([], None, None, [])] * count][:count]


def finite(number: float) -> float | None:
    """A number that JSON has, else `None`."""
    return number if math.isfinite(number) else None


@dataclass(frozen=True, slots=True)
class AnswerFiles:
    """Where answers go: `text` one a line, `per_line` of them for each line of the input; and two files of JSON.

    `nbest`: all hypotheses of an input line on one line. `alignments`: what each written answer looked at.
    """

    text: Path
    nbest: Path | None = None
    alignments: Path | None = None
    per_line: int = 1
    subword_option: str = ""

    def write(self, answers: Iterable[Answer]) -> list[str]:
        """Write them all; the best answer of each line, as it was written."""
        best = []
        with ExitStack() as stack:
            text, nbest, alignments = (
                stack.enter_context(whole_file(path)) if path else None
                for path in (self.text, self.nbest, self.alignments)
            )
            for answer in answers:
                written = answer.best(self.per_line)
                lines = [answer_text(finding.tokens, self.subword_option) for finding in written]
                best.append(lines[0])
                _write(text, lines)
                _write(nbest, [self._nbest_line(answer)])
                _write(alignments, [_alignments_line(answer, finding) for finding in written])
        return best

    def _nbest_line(self, answer: Answer) -> str:
        found = [
            {"text": answer_text(one.tokens, self.subword_option), "score": one.score, "log_prob": one.log_prob}
            for one in answer.found
        ]
        return _json({"line": answer.line, "source": " ".join(answer.source), "hypotheses": found})


def _alignments_line(answer: Answer, finding: Finding) -> str:
    return _json(
        {"line": answer.line, "source": answer.source, "target": finding.tokens, "weights": finding.weights or []}
    )


def _json(values: dict[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False, allow_nan=False)


def _write(file: TextIO | None, lines: Iterable[str]) -> None:
    if file:
        file.writelines(f"{line}\n" for line in lines)


def write_answers(path: Path, answers: Iterable[Answer]) -> None:
    """Write a file that `read_answers` reads."""
    with whole_file(path) as file:
        _write(file, (answer.to_json() for answer in answers))


def read_answers(path: Path) -> Iterator[Answer]:
    """The answers that `write_answers` wrote."""
    with path.open(encoding="utf-8", newline="\n") as lines:
        yield from map(Answer.from_json, lines)
