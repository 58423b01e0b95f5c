"""What differs between two model versions: how they were made, what they were taught, what they answer.

It reads the files that a run keeps, `train.req`, `train.rep` and `train.hyp`, and knows neither models nor a database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core.evolve.errors import EvolveError
from core.text import Tokenizer

Verdict = Literal["better", "worse", "different"]

_MISSING = object()


@dataclass(frozen=True, slots=True)
class Taught:
    """A trained question: the answers that were to be learned, and the one that the model gives."""

    answers: tuple[str, ...]
    given: str

    @property
    def learned(self) -> bool:
        """Whether one of its own answers is given, word for word."""
        return self.given in self.answers


@dataclass(frozen=True, slots=True)
class Change:
    """A question that both versions were taught and answer differently; the verdict is on the second one."""

    question: str
    before: str
    after: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that differs, as a hyperparameter does; None where one side has none."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Lessons:
    """What differs in what two versions were taught and answer.

    Attributes:
        added: pairs (question, answer) that only the second was taught, in its order.
        removed: pairs that only the first was taught.
        changed: questions that both were taught and answer differently, those that became worse first.
    """

    added: tuple[tuple[str, str], ...]
    removed: tuple[tuple[str, str], ...]
    changed: tuple[Change, ...]


def read_lessons(run_dir: Path) -> dict[str, Taught]:
    """Every question a run was trained on, in order. Raises `EvolveError` when its files are missing or don't match."""
    questions, answers, given = (_texts(run_dir / f"train.{suffix}") for suffix in ("req", "rep", "hyp"))
    if not len(questions) == len(answers) == len(given):
        raise EvolveError(
            f"train.req, train.rep and train.hyp of {run_dir.name} have {len(questions)}, {len(answers)} and "
            f"{len(given)} lines: they don't belong together"
        )
    taught: dict[str, Taught] = {}
    for question, answer, said in zip(questions, answers, given, strict=True):
        known = taught[question].answers if question in taught else ()
        taught[question] = Taught((*known, answer), said)
    return taught


def compare_lessons(before: Mapping[str, Taught], after: Mapping[str, Taught]) -> Lessons:
    """What the second version was taught and answers otherwise than the first."""
    first, second = _pairs(before), _pairs(after)
    changed = [
        Change(question, before[question].given, taught.given, _verdict(before[question].given, taught))
        for question, taught in after.items()
        if question in before and before[question].given != taught.given
    ]
    order: Sequence[Verdict] = ("worse", "better", "different")
    return Lessons(
        added=tuple(pair for pair in second if pair not in first),
        removed=tuple(pair for pair in first if pair not in second),
        changed=tuple(sorted(changed, key=lambda change: order.index(change.verdict))),
    )


def compare_values(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """The names whose values differ, in order of name. A name that one side lacks differs too."""
    return [
        Difference(name, before.get(name), after.get(name))
        for name in sorted({*before, *after})
        if before.get(name, _MISSING) != after.get(name, _MISSING)
    ]


def _verdict(before: str, after: Taught) -> Verdict:
    """By the second version's own answers, which are the newer decision of the reviewers."""
    if after.learned:
        return "different" if before in after.answers else "better"
    return "worse" if before in after.answers else "different"


def _pairs(lessons: Mapping[str, Taught]) -> dict[tuple[str, str], None]:
    """The pairs in order, each once."""
    return dict.fromkeys((question, answer) for question, taught in lessons.items() for answer in taught.answers)


def _texts(path: Path) -> list[str]:
    """The lines of a file of tokens, as texts."""
    try:
        *lines, rest = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError as error:
        raise EvolveError(f"{path.parent.name} has kept no {path.name}: its answers can't be compared") from error
    except (OSError, UnicodeError) as error:
        raise EvolveError(f"can't read {path}: {error}") from error
    if rest:  # the last line has no end
        lines.append(rest)
    return [Tokenizer.join(line.split(" ")) for line in lines]
