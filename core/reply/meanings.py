"""How near questions are when the engine's reading of them has its say.

Questions that ask for one answer come near to each other while the engine learns, whatever their words. Words alone
tell more than that reading alone; the two together tell most.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from core.memory import NOT_THE_SAME, Match
from core.text import Tokenizer, normalise_question

if TYPE_CHECKING:  # NumPy is not loaded before its threads are limited
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    Read = Callable[[Sequence[Sequence[str]]], Vectors]

SHARE = 0.25  # of the engine's reading; from 0.2 to 0.3 it helps as much
_KEPT = 20_000  # questions, whose vectors are then 40 MB


class Meanings:
    """Reviewed questions as the engine reads them, kept for as long as they are asked about. Threads may share it."""

    def __init__(self, read: Read, tokenizer: Tokenizer) -> None:
        """`read` makes of questions, tokens, what they are compared by: (N, M), M is 0 of an engine that reads none."""
        self._read = read
        self._tokenizer = tokenizer
        self._kept: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = threading.Lock()

    def nearer(self, questions: Sequence[Sequence[str]], matches: Sequence[Sequence[Match]]) -> list[list[Match]]:
        """The `matches` of each of `questions`, tokens that are never none, best first by both similarities in one.

        Σ share · similarity, the engine's being the cosine and at least 0. The very question that was asked stays 1.0.
        """
        asking = [at for at, some in enumerate(matches) if some]
        found = [list(some) for some in matches]
        if not asking:
            return found
        reviewed = self._of(dict.fromkeys(one.question for at in asking for one in matches[at]))
        asked = _unit(self._read([questions[at] for at in asking]))
        if not asked.shape[1]:
            return found
        for at, vector in zip(asking, asked, strict=True):
            mixed = [_mixed(one, float(reviewed[one.question] @ vector)) for one in matches[at]]
            found[at] = sorted(mixed, key=lambda one: -one.similarity)
        return found

    def _of(self, questions: dict[str, None]) -> dict[str, Vectors]:
        """The unit vectors (M,) of `questions`, texts; those that are not kept are read together."""
        with self._lock:
            found = {question: self._kept[question] for question in questions if question in self._kept}
        new = [question for question in questions if question not in found]
        if new:
            tokens = [self._tokenizer.split(normalise_question(question)) for question in new]
            found.update(zip(new, _unit(self._read(tokens)), strict=True))
        with self._lock:
            for question in questions:
                self._kept[question] = found[question]
                self._kept.move_to_end(question)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found


def _mixed(match: Match, cosine: float) -> Match:
    if match.similarity == 1.0:
        return match
    return replace(match, similarity=min(NOT_THE_SAME, (1 - SHARE) * match.similarity + SHARE * max(0.0, cosine)))


def _unit(vectors: Vectors) -> Vectors:
    """`vectors` (N, M) of length 1 each; a zero stays zero."""
    lengths: Vectors = (vectors * vectors).sum(1, keepdims=True) ** 0.5
    lengths[lengths == 0] = 1
    units: Vectors = vectors / lengths
    return units
