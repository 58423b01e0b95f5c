"""The receipt of a run: what it was to learn, whether it did, and which other answers changed on the way.

It compares answers with answers and knows no model. A run keeps its receipt as `receipt.json`, which names no path.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from core.corpus import Example, Reason, UnheldCanary
from core.evolve.errors import EvolveError
from core.evolve.parent import Parent, answers_by_question, corrections, texts

RECEIPT = "receipt.json"

Verdict = Literal["worse", "better", "different"]

_ORDER: tuple[Verdict, ...] = get_args(Verdict)
_Entry = TypeVar("_Entry", "Correction", "ChangedAnswer", "Canary")


@dataclass(frozen=True, slots=True)
class Correction:
    """A pair that the parent does not know.

    Attributes:
        row: its database id, None for a pair that has none.
        question: the question.
        answer: what was to be learned.
        before: what the parent answered; None where it was not asked.
        given: what is answered now.
        learned: whether that is one of the question's own answers, word for word.
    """

    row: int | None
    question: str
    answer: str
    before: str | None
    given: str
    learned: bool


@dataclass(frozen=True, slots=True)
class ChangedAnswer:
    """A question that nobody corrected and that is answered otherwise than by the parent.

    `answer` is what was to be learned, one of several where the question has several. The verdict is `better` where
    only `after` is such an answer, `worse` where only `before` is, else `different`.
    """

    row: int | None
    question: str
    answer: str
    before: str
    after: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Canary:
    """A question whose answer must always hold, what is answered now, and whether it held, word for word."""

    row: int | None
    question: str
    answer: str
    given: str
    held: bool


@dataclass(frozen=True)
class Receipt:
    """What one run learned.

    Attributes:
        run: the run.
        parent: the run that was live before, which it is compared with; None for the first.
        corrections: what the parent does not know, in the order of the corpus; without a parent's record every pair
            that a person reviewed.
        changed: the other questions that are answered otherwise, those that became worse first.
        canaries: the answers that must always hold.
        unheld: canaries that are not learned, so that no model can be held to them.
        earlier: how many questions that nobody corrected the parent gave one of their own answers.
        lost: how many of these get none of their own answers now.
    """

    run: str
    parent: str | None
    corrections: tuple[Correction, ...] = ()
    changed: tuple[ChangedAnswer, ...] = ()
    canaries: tuple[Canary, ...] = ()
    unheld: tuple[UnheldCanary, ...] = ()
    earlier: int = 0
    lost: int = 0

    @property
    def learned(self) -> int:
        """How many corrections were learned."""
        return sum(correction.learned for correction in self.corrections)

    @property
    def counts(self) -> dict[str, int]:
        """Everything counted, by name."""
        return {
            "corrections": len(self.corrections),
            "learned": self.learned,
            "earlier": self.earlier,
            "lost": self.lost,
            **{verdict: sum(change.verdict == verdict for change in self.changed) for verdict in _ORDER},
            "canaries": len(self.canaries),
            "canaries_held": sum(canary.held for canary in self.canaries),
        }

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of `receipt.json`."""
        lists = ("corrections", "changed", "canaries", "unheld")
        entries = {name: [asdict(entry) for entry in getattr(self, name)] for name in lists}
        return {"run": self.run, "parent": self.parent, "counts": self.counts, **entries}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Receipt:
        """The receipt in a JSON object, also in one of an older run, which listed reviewed `pairs` alone.

        Raises `KeyError`, `TypeError` or `ValueError` for anything else.
        """
        if "pairs" in data:
            old = [{**pair, "before": None} for pair in data["pairs"]]
            return cls(data["run"], data["parent"], tuple(_entries(Correction, old)))
        counts = data["counts"]
        return cls(
            run=data["run"],
            parent=data["parent"],
            corrections=tuple(_entries(Correction, data["corrections"])),
            changed=tuple(_entries(ChangedAnswer, data["changed"])),
            canaries=tuple(_entries(Canary, data["canaries"])),
            unheld=tuple(UnheldCanary(**{**one, "reason": Reason(one["reason"])}) for one in data.get("unheld", ())),
            earlier=int(counts["earlier"]),
            lost=int(counts["lost"]),
        )

    @classmethod
    def read(cls, path: Path) -> Receipt:
        """The receipt in a file. Raises `EvolveError` with the reason when it is missing or damaged."""
        try:
            return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError as error:
            raise EvolveError(f"{path.parent.name} has kept no receipt: it has no {path.name}") from error
        except (OSError, ValueError) as error:
            raise EvolveError(f"can't read {path}, it is cut short or damaged: {error}") from error
        except (KeyError, TypeError, AttributeError) as error:
            raise EvolveError(f"{path} is no receipt: {type(error).__name__} {error}") from error

    def write(self, path: Path) -> None:
        """Write `receipt.json` so that whoever finds it finds all of it. Raises `OSError`."""
        draft = path.with_name(f".{path.name}.draft")
        try:
            with draft.open("w", encoding="utf-8") as file:
                file.write(json.dumps(self.to_dict(), ensure_ascii=False, indent=1) + "\n")
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)

    def summary(self, shown: int = 10) -> list[str]:
        """What a person wants to know after a run, a line each; of every list the first `shown` in full."""
        counts = self.counts
        of = "corrections" if self.parent else "reviewed pairs"
        lines = [f"{of}: {counts['learned']} of {counts['corrections']} learned word for word"]
        failed = [correction for correction in self.corrections if not correction.learned]
        lines += _first(shown, map(_correction_line, failed), "that were not learned")
        if self.parent:
            lines.append(
                f"earlier answers: {self.lost} of {self.earlier} lost; {len(self.changed)} changed: "
                f"{counts['better']} better, {counts['worse']} worse, {counts['different']} different"
            )
            worse = [change for change in self.changed if change.verdict == "worse"]
            lines += _first(shown, map(_worse_line, worse), "that became worse")
        if self.canaries:
            lines.append(f"must always hold: {counts['canaries_held']} of {counts['canaries']} do")
            lines += _first(shown, map(_canary_line, (one for one in self.canaries if not one.held)), "that do not")
        return lines


def write_up(
    train: Sequence[Example], answers: Sequence[str], parent: Parent | None, *, run: str, unheld: Iterable[UnheldCanary]
) -> Receipt:
    """The receipt of `run`, from the answers it gives to the questions of `train`, in their order.

    `unheld` are the canaries that the corpus leaves out.
    """
    answers_of = _Answers(
        own=answers_by_question(map(texts, train)),
        before=parent.given if parent and parent.taught else {},
        given={texts(example)[0]: answer for example, answer in zip(train, answers, strict=True)},
    )
    new = corrections(train, parent)
    corrected = {texts(example)[0] for example in new}
    earlier = [question for question in answers_of.own if question not in corrected and answers_of.was_right(question)]
    return Receipt(
        run=run,
        parent=parent.name if parent else None,
        corrections=tuple(answers_of.correction(example) for example in new),
        changed=tuple(answers_of.changes(train, corrected)),
        canaries=tuple(answers_of.canary(example) for example in train if example.pair.canary),
        unheld=tuple(unheld),
        earlier=len(earlier),
        lost=sum(not answers_of.is_right(question) for question in earlier),
    )


@dataclass(frozen=True, slots=True)
class _Answers:
    """Every question's own answers, the one that the parent gave, where it was asked, and the one given now."""

    own: Mapping[str, frozenset[str]]
    before: Mapping[str, str]
    given: Mapping[str, str]

    def was_right(self, question: str) -> bool:
        return self.before.get(question) in self.own[question]

    def is_right(self, question: str) -> bool:
        return self.given[question] in self.own[question]

    def correction(self, example: Example) -> Correction:
        question, answer = texts(example)
        before, given = self.before.get(question), self.given[question]
        return Correction(example.pair.row, question, answer, before, given, self.is_right(question))

    def canary(self, example: Example) -> Canary:
        question, answer = texts(example)
        return Canary(example.pair.row, question, answer, self.given[question], self.given[question] == answer)

    def changes(self, train: Sequence[Example], corrected: Collection[str]) -> list[ChangedAnswer]:
        found = {}
        for example in train:
            question, answer = texts(example)
            before, after = self.before.get(question), self.given[question]
            if before is not None and before != after and question not in corrected and question not in found:
                verdict = self._verdict(question)
                found[question] = ChangedAnswer(example.pair.row, question, answer, before, after, verdict)
        return sorted(found.values(), key=lambda change: _ORDER.index(change.verdict))

    def _verdict(self, question: str) -> Verdict:
        before, after = self.was_right(question), self.is_right(question)
        if before == after:
            return "different"
        return "better" if after else "worse"


def _entries(kind: type[_Entry], values: Iterable[Mapping[str, Any]]) -> Iterator[_Entry]:
    """Read a list; keys that a later version may add are left out."""
    names = [field.name for field in fields(kind)]
    return (kind(**{name: value[name] for name in names}) for value in values)


def _first(shown: int, lines: Iterable[str], rest: str) -> list[str]:
    every = list(lines)
    more = [f"  and {len(every) - shown} more {rest}"] if len(every) > shown else []
    return every[:shown] + more


def _row(row: int | None) -> str:
    return "" if row is None else f" (row {row})"


def _said(answer: str) -> str:
    return answer or "nothing"


def _correction_line(one: Correction) -> str:
    return f"  not learned{_row(one.row)}: {one.question} → {one.answer}; it answers: {_said(one.given)}"


def _worse_line(one: ChangedAnswer) -> str:
    return f"  worse{_row(one.row)}: {one.question} → {_said(one.before)}; it now answers: {_said(one.after)}"


def _canary_line(one: Canary) -> str:
    return f"  does not hold{_row(one.row)}: {one.question} → {one.answer}; it answers: {_said(one.given)}"
