"""Fits a run's calibration: its model and memory are asked labelled questions, and what they propose is right or not.

The questions are the pairs that the run held out, which neither the engine nor the memory has seen, and trained
questions as people type them (`core.text.noise`, the family for training). A trained question whose row is taken out of
memory teaches nothing here: the engine knows it all the same, and would be trusted more than it deserves.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from core.memory import Memory
from core.reply.answerer import NEAREST
from core.reply.calibration import LOOKS_AT, Calibration, Logistic
from core.reply.evidence import Evidence, remembered, thought_of
from core.reply.loading import read_pairs
from core.reply.model import LiveModel
from core.reply.regression import Floats, fit_logistic, table
from core.reply.reply import Mode
from core.text import Tokenizer, normalise, normalise_question, question_key
from core.text.noise import Family, Kind, noisy

_FEWEST = 100  # held-out questions without which nothing is fitted
_MOST_UNSEEN = 400
_MOST_NOISY = 100
_SEED = 2017
_KINDS = tuple(kind for kind in Kind if kind is not Kind.ENGLISH_LAYOUT)  # which is read as Hangul before it is asked


class Labelled(NamedTuple):
    """A question, and the answers that are right, normalised."""

    question: str
    right: frozenset[str]


def fit(model: LiveModel, model_dir: Path, memory: Memory, tokenizer: Tokenizer) -> Calibration | None:
    """The calibration of the run whose model lies in `model_dir`; None where it held out too few questions.

    `memory` holds what the run was trained with, and nothing else.
    """
    questions = labelled(model_dir)
    if not questions:
        return None
    tokens = [tokenizer.split(normalise_question(one.question)) for one in questions]
    matches = [memory.find(one.question, NEAREST) for one in questions]
    best = {
        "hybrid": [remembered(some)[:1] for some in model.nearer(tokens, matches)],
        "neural": [[(one.text, thought_of(one.score)) for one in some] for some in model.propose(tokens, 1)],
        "memory": [remembered(some)[:1] for some in matches],
    }
    models: dict[Mode, Logistic] = {
        mode: fit_logistic(*_examples(questions, best[mode]), names) for mode, names in LOOKS_AT.items()
    }
    return Calibration(models, f"{len(questions)} labelled questions of {model.name}")


def labelled(model_dir: Path) -> list[Labelled]:
    """The labelled questions of a run, drawn with a fixed seed: none where it held out too few."""
    rng = random.Random(_SEED)
    trained, unseen = (_by_question(pairs) for pairs in _pairs(model_dir))
    if len(unseen) < _FEWEST:
        return []
    keys = {question_key(question) for question in trained}
    drawn = rng.sample(sorted(unseen), min(_MOST_UNSEEN, len(unseen)))
    found = [
        Labelled(question, frozenset(unseen[question])) for question in drawn if question_key(question) not in keys
    ]
    for question in rng.sample(sorted(trained), min(_MOST_NOISY, len(trained))):
        form = noisy(question, rng.choice(_KINDS), Family.TRAINING, rng)
        if form and question_key(form) not in keys:
            found.append(Labelled(form, frozenset(trained[question])))
    return found


def _pairs(model_dir: Path) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The trained pairs, and those that were held out."""
    return read_pairs(model_dir, "train"), [*read_pairs(model_dir, "dev"), *read_pairs(model_dir, "test")]


def _by_question(pairs: Sequence[tuple[str, str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for question, answer in pairs:
        found[question].add(normalise(answer))
    return found


def _examples(questions: Sequence[Labelled], best: Sequence[Sequence[tuple[str, Evidence]]]) -> tuple[Floats, Floats]:
    """What speaks for the best candidate of each question that has one, (N, F); and 1 where it is right, (N,)."""
    found = [(one, candidate) for one, some in zip(questions, best, strict=True) for candidate in some]
    right = [normalise(answer) in one.right for one, (answer, _) in found]
    return table([evidence for _, (_, evidence) in found]), np.array(right, np.float64)
