"""The model version a run sets out from: what it was taught, and what it answered.

All of it is read from the files of its run directory, so that nobody has to load it. It knows nothing of weights.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.corpus import Example
from core.text import Tokenizer

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Parent:
    """What is known of the version that was live when the run began. Questions and answers are text.

    Attributes:
        name: its run.
        taught: question → the answers it was trained on. Empty when it kept no record of them.
        given: question → what it answered, for the questions it was trained on and those it never saw.
        unseen: the questions it was measured on and never saw.
    """

    name: str
    taught: Mapping[str, frozenset[str]] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    unseen: frozenset[str] = frozenset()

    @classmethod
    def read(cls, name: str, directory: Path) -> Parent:
        """The parent from its run directory. What is missing or of the wrong length is unknown, and logged."""
        questions, unseen = _texts(directory / "train.req"), _texts(directory / "test.req")
        taught = answers_by_question(_pairs(questions, _texts(directory / "train.rep"), directory / "train.rep"))
        given = dict(_pairs(questions, _texts(directory / "train.hyp"), directory / "train.hyp"))
        given |= _pairs(unseen, _texts(directory / "test.hyp"), directory / "test.hyp")
        return cls(name, taught, given, frozenset(unseen))


def answers_by_question(pairs: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    """Question → all of its answers."""
    answers: dict[str, set[str]] = defaultdict(set)
    for question, answer in pairs:
        answers[question].add(answer)
    return {question: frozenset(own) for question, own in answers.items()}


def texts(example: Example) -> tuple[str, str]:
    """Question and answer of an example as they stand in the files of a run, when they are read back."""
    return Tokenizer.join(example.source), Tokenizer.join(example.target)


def corrections(train: Sequence[Example], parent: Parent | None) -> list[Example]:
    """Those of `train` that the parent does not know; without a parent's record, all that a person reviewed.

    A pair is new; or its question had another answer besides that is gone, and the parent was never told which one to
    give; or a person reviewed it and the parent was taught it in vain: that it was tried once makes it no less wanted.
    """
    if parent is None or not parent.taught:
        return [example for example in train if not example.pair.bulk]
    own = answers_by_question(map(texts, train))
    found = []
    for example in train:
        question, answer = texts(example)
        taught = parent.taught.get(question, frozenset())
        in_vain = not example.pair.bulk and parent.given.get(question, answer) not in own[question]
        if answer not in taught or taught > own[question] or in_vain:
            found.append(example)
    return found


def _texts(path: Path) -> list[str]:
    """The lines of a file of tokens as texts; none when there is no such file."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        logger.warning("%s of the live model can't be read and counts as missing: %s", path.name, error)
        return []
    return [Tokenizer.join(line.split(" ")) for line in lines[:-1]]  # the last line ends with a newline too


def _pairs(questions: Sequence[str], answers: Sequence[str], path: Path) -> list[tuple[str, str]]:
    if len(questions) == len(answers):
        return list(zip(questions, answers, strict=True))
    if answers:
        logger.warning("%s of the live model has another length than its questions and is not used", path.name)
    return []
