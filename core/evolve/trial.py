"""A version's trial: loaded as a server loads it, in a process of its own, and asked what it is known to answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from core.corpus import Example
from core.evolve.errors import EvolveError
from core.evolve.parent import answers_by_question, texts

_QUESTIONS = 20


@dataclass(frozen=True, slots=True)
class Trial:
    """How a version did.

    Attributes:
        asked: how many questions it was asked.
        agreed: how many of them it answered as it did when it was scored.
        failure: why it answered none; empty when it did.
    """

    asked: int = 0
    agreed: int = 0
    failure: str = ""


def choose(train: Sequence[Example], answers: Sequence[str], count: int = _QUESTIONS) -> dict[str, str]:
    """Questions for a trial, at most `count`, from all over `train`, with the answers that were given to them.

    Only those that are answered right, for a model is sure of these; elsewhere the last digit of a sum, which
    depends on what else is answered at the same time, may decide between two answers.
    """
    own = answers_by_question(map(texts, train))
    right: dict[str, str] = {}
    for example, answer in zip(train, answers, strict=True):
        question = texts(example)[0]
        if answer in own[question]:
            right[question] = answer
    places = range(0, len(right), max(1, -(-len(right) // count)))
    every = list(right.items())
    return dict(every[place] for place in places)


def hold(expected: Mapping[str, str], reply: Callable[[Sequence[str]], Sequence[str]]) -> Trial:
    """Ask the questions of `expected` and compare.

    `reply` starts the process, asks it, and raises `EvolveError` when that fails.
    """
    if not expected:
        return Trial()
    try:
        given = reply(list(expected))
    except EvolveError as error:
        return Trial(failure=str(error))
    if len(given) != len(expected):
        return Trial(failure=f"{len(given)} answers to {len(expected)} questions")
    agreed = sum(answer == wanted for answer, wanted in zip(given, expected.values(), strict=True))
    return Trial(len(expected), agreed)
