"""What became of every pair, for people and for the manifest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from core.corpus.pair import Pair

_SHOWN_ROWS = 10
_SHOWN_CONFLICTS = 5


class Reason(StrEnum):
    """Why a pair was left out."""

    EMPTY_QUESTION = "empty_question"
    EMPTY_ANSWER = "empty_answer"
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"
    QUESTION_TOO_LONG = "question_too_long"
    ANSWER_TOO_LONG = "answer_too_long"

    @property
    def text(self) -> str:
        """The reason in words."""
        return _REASON_TEXTS[self]


_REASON_TEXTS = {
    Reason.EMPTY_QUESTION: "empty question",
    Reason.EMPTY_ANSWER: "empty answer",
    Reason.DUPLICATE: "the same question and answer once more",
    Reason.SUPERSEDED: "another answer to the question was reviewed, or reviewed later",
    Reason.QUESTION_TOO_LONG: "question longer than src_max_len",
    Reason.ANSWER_TOO_LONG: "answer longer than tgt_max_len",
}


@dataclass(frozen=True)
class Omission:
    """The pairs left out for one reason: how many, and the database ids of those that have one."""

    count: int
    rows: tuple[int, ...]


class Omissions:
    """Collects what is left out while a corpus is built."""

    def __init__(self) -> None:
        self._pairs: dict[Reason, list[Pair]] = {}

    def add(self, reason: Reason, *pairs: Pair) -> None:
        """Note that `pairs` are left out for `reason`."""
        if pairs:
            self._pairs.setdefault(reason, []).extend(pairs)

    def by_reason(self) -> dict[Reason, Omission]:
        """All that was noted, in the order of `Reason`; reasons that no pair had are not there."""
        return {
            reason: Omission(len(pairs), tuple(pair.row for pair in pairs if pair.row is not None))
            for reason in Reason
            if (pairs := self._pairs.get(reason))
        }

    def canaries(self) -> tuple[UnheldCanary, ...]:
        """The canaries among what was left out; of equal pairs the one that is kept has the mark."""
        return tuple(
            UnheldCanary(pair.question, pair.answer, pair.row, reason)
            for reason, pairs in self._pairs.items()
            for pair in pairs
            if pair.canary and reason != Reason.DUPLICATE
        )


@dataclass(frozen=True, slots=True)
class UnheldCanary:
    """A canary that is not learned, so that no model can be held to it.

    Attributes:
        question: the question, normalised.
        answer: the answer that was to hold, likewise.
        row: its database id.
        reason: why it is not learned.
    """

    question: str
    answer: str
    row: int | None
    reason: Reason


@dataclass(frozen=True)
class Conflict:
    """One question with several answers.

    Attributes:
        question: the question, normalised.
        kept: the answers in the corpus. A model gives one of them; more than one only where none was reviewed.
        superseded: the answers left out for the one in `kept`.
        rows: the database ids of all of them.
    """

    question: str
    kept: tuple[str, ...]
    superseded: tuple[str, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True)
class CorpusReport:
    """The counts of one corpus. `seen` is `train + dev + test` and everything in `left_out`.

    Attributes:
        seen: pairs that came in.
        train: pairs to learn.
        dev: pairs held out to choose the best checkpoint.
        test: pairs held out to measure the finished model.
        train_questions: distinct questions in train. `train` is more where a question has several answers.
        left_out: why pairs are in none of the three sets, and which.
        conflicts: questions that came with different answers.
        echoes: pairs in the sets whose answer is their question. They are learned as they are.
        src_vocab_size: entries in the vocabulary of the questions, specials included.
        tgt_vocab_size: entries in the vocabulary of the answers, specials included.
        unheld_canaries: canaries in none of the three sets.
    """

    seen: int
    train: int
    dev: int
    test: int
    train_questions: int
    left_out: Mapping[Reason, Omission]
    conflicts: tuple[Conflict, ...]
    echoes: int
    src_vocab_size: int
    tgt_vocab_size: int
    unheld_canaries: tuple[UnheldCanary, ...] = ()

    @property
    def used(self) -> int:
        """Pairs in one of the three sets."""
        return self.train + self.dev + self.test

    def to_dict(self) -> dict[str, Any]:
        """Everything, in types that JSON knows."""
        return {
            **asdict(self),
            "used": self.used,
            "left_out": {
                reason.value: {"count": omission.count, "rows": list(omission.rows)}
                for reason, omission in self.left_out.items()
            },
            "conflicts": [
                {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(conflict).items()}
                for conflict in self.conflicts
            ],
            "unheld_canaries": [asdict(canary) for canary in self.unheld_canaries],
        }

    def summary(self) -> list[str]:
        """What a person wants to know after a run, a line each."""
        lines = [
            f"{self.seen} pairs seen, {self.used} used: {self.train} to train ({self.train_questions} questions), "
            f"{self.dev} dev, {self.test} test",
            f"vocabulary: {self.src_vocab_size} tokens in questions, {self.tgt_vocab_size} in answers",
        ]
        lines += omission_lines(self.left_out)
        if self.echoes:
            lines.append(f"{self.echoes} used pairs answer with the question itself")
        lines += [
            f"must always hold, but is not learned{_row_list([] if canary.row is None else [canary.row])}: "
            f"{canary.question} → {canary.answer}: {canary.reason.text}"
            for canary in self.unheld_canaries
        ]
        return lines + self._conflict_lines()

    def _conflict_lines(self) -> list[str]:
        if not self.conflicts:
            return []
        several = sum(len(conflict.kept) > 1 for conflict in self.conflicts)
        lines = [
            f"{len(self.conflicts)} questions came with different answers: "
            f"{len(self.conflicts) - several} follow the newest reviewed one, {several} have none that was reviewed "
            "and keep all, of which the model can give only one"
        ]
        for conflict in self.conflicts[:_SHOWN_CONFLICTS]:
            kept = " / ".join(conflict.kept)
            dropped = f" (not: {' / '.join(conflict.superseded)})" if conflict.superseded else ""
            lines.append(f"  {conflict.question} → {kept}{dropped}")
        if len(self.conflicts) > _SHOWN_CONFLICTS:
            lines.append(f"  and {len(self.conflicts) - _SHOWN_CONFLICTS} more")
        return lines


def omission_lines(left_out: Mapping[Reason, Omission]) -> list[str]:
    """A line for each reason: how many, why, and the first rows."""
    return [
        f"{omission.count} left out: {reason.text}{_row_list(omission.rows)}" for reason, omission in left_out.items()
    ]


def _row_list(rows: Iterable[int]) -> str:
    ids = [str(row) for row in rows]
    if not ids:
        return ""
    more = f" and {len(ids) - _SHOWN_ROWS} more" if len(ids) > _SHOWN_ROWS else ""
    return f" (rows {', '.join(ids[:_SHOWN_ROWS])}{more})"
