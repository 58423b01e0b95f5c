"""What is never said, whoever proposes it."""

from __future__ import annotations

import re
from collections import Counter
from enum import StrEnum
from typing import Protocol

from core.nmt.vocab import UNK
from core.reply.blocklist import Blocklist
from core.text import question_key

# Three of the same in a row are a loop: 좋아요 좋아요 좋아요. One character is laughter or weight up to eight times.
_REPEATED = re.compile(r"(.{2,}?)\1{2,}")
_DRAWN_OUT = re.compile(r"(.)\1{7,}")
_WORDS_IN_A_ROW = 3  # that may stand in an answer no more than twice
_MOST = 2


class Refusal(StrEnum):
    """Why an answer is not given."""

    EMPTY = "empty"
    UNKNOWN_TOKEN = "unknown_token"
    BLOCKED = "blocked"
    WRONG = "wrong"
    ECHO = "echo"
    LOOP = "loop"


class Verdicts(Protocol):
    """The part of `core.memory.Memory` that the guard needs."""

    def is_wrong(self, question: str, answer: str) -> bool:
        """Whether the answer was marked wrong for the question."""
        ...


class Guard:
    """Judges answers by `rules` and by what reviewers marked wrong; it keeps nothing between calls."""

    def __init__(self, rules: Blocklist, verdicts: Verdicts | None = None) -> None:
        self._rules = rules
        self._verdicts = verdicts

    def refusal(self, question: str, answer: str, *, approved: bool = False) -> Refusal | None:
        """Why `answer` is not given to `question`, None where it may be.

        `approved` tells that a reviewer wrote it for this very question, and so meant it if it echoes or repeats.
        """
        if not answer.strip():
            return Refusal.EMPTY
        if UNK in answer:
            return Refusal.UNKNOWN_TOKEN
        if self._rules.blocks(answer):
            return Refusal.BLOCKED
        if self._verdicts is not None and self._verdicts.is_wrong(question, answer):
            return Refusal.WRONG
        if approved:
            return None
        if question_key(answer) == question_key(question):
            return Refusal.ECHO
        return Refusal.LOOP if is_loop(answer) else None


def is_loop(answer: str) -> bool:
    """Whether `answer` goes round in a circle, as a search does that finds no end.

    It does where something of two characters or more comes three times in a row, one character eight times, or the same
    three words three times anywhere.
    """
    spaceless = answer.replace(" ", "")
    repeated = (found[1] for found in _REPEATED.finditer(spaceless))
    if _DRAWN_OUT.search(spaceless) or any(len(set(phrase)) > 1 for phrase in repeated):
        return True
    words = answer.split()
    runs = Counter(zip(*(words[at:] for at in range(_WORDS_IN_A_ROW)), strict=False))
    return any(count > _MOST for count in runs.values())
