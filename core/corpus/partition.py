"""Train, dev, test: where a question goes, for ever and on every machine.

A hash of the question decides, not a draw: a question keeps its place from run to run, whatever is imported beside
it, so that scores of two runs can be compared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from core.corpus.selection import Candidate
from core.corpus.settings import CorpusSettings


@dataclass(frozen=True)
class Partition:
    """The three sets. No question is in two of them, and nothing that a person reviewed is outside `train`."""

    train: list[Candidate]
    dev: list[Candidate]
    test: list[Candidate]


def partition(candidates: Sequence[Candidate], settings: CorpusSettings) -> Partition:
    """Hold out questions that only bulk pairs ask; the order of `candidates` is kept in each set."""
    reviewed = {candidate.pair.question for candidate in candidates if not candidate.pair.bulk}
    bulk = {candidate.pair.question for candidate in candidates} - reviewed
    dev, test = held_out(bulk, settings)
    parts = Partition([], [], [])
    for candidate in candidates:
        question = candidate.pair.question
        (parts.dev if question in dev else parts.test if question in test else parts.train).append(candidate)
    return parts


def held_out(questions: Collection[str], settings: CorpusSettings) -> tuple[set[str], set[str]]:
    """The questions of dev and of test, none when there are fewer than `min_bulk`.

    Where a set would outgrow its maximum, the smallest hashes stay in it, so that it changes as little as it can
    when more questions come, and only ever gives questions back to training.
    """
    if len(questions) < settings.min_bulk:
        return set(), set()
    ranked = sorted((fraction(question), question) for question in questions)
    test_end, dev_end = settings.test_share, settings.test_share + settings.dev_share
    test = [question for place, question in ranked if place < test_end]
    dev = [question for place, question in ranked if test_end <= place < dev_end]
    return set(dev[: settings.max_dev]), set(test[: settings.max_test])


def fraction(question: str) -> float:
    """A number from 0 to below 1 that depends on the normalised `question` alone."""
    digest = hashlib.blake2b(question.encode(), digest_size=6).digest()  # 48 bits: exact in a float
    return int.from_bytes(digest) / 2**48
