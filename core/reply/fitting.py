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

from core.memory import Match, Memory
from core.reply.answerer import NEAREST
from core.reply.calibration import LOOKS_AT, Calibration, Logistic, thresholds_of
from core.reply.evidence import FEATURES, Evidence
from core.reply.loading import read_pairs
from core.reply.model import LiveModel
from core.reply.proposals import propose
from core.reply.regression import Floats, Indices, fit_logistic, fit_ranking, table
from core.reply.reply import Mode
from core.text import Tokenizer, normalise, normalise_question, question_key
from core.text.noise import Family, Kind, noisy

_FEWEST = 100  # held-out questions without which nothing is fitted
_MOST_UNSEEN = 400
_MOST_NOISY = 100
_BATCH = 64
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
    matches = [memory.find(one.question, NEAREST) for one in questions]
    together = _weighed(model, "hybrid", questions, matches, tokenizer)
    ranking = fit_ranking(together.features, together.right, together.questions)
    alone = _weighed(model, "memory", questions, matches, tokenizer)
    lead, support = FEATURES.index("lead"), FEATURES.index("support")
    best = {
        "hybrid": together.best(np.array(ranking.scores(together.evidence))),
        "neural": together.best(together.features[:, lead]),
        "memory": alone.best(alone.features[:, support]),
    }
    models: dict[Mode, Logistic] = {
        mode: fit_logistic(best[mode].features, best[mode].right, names) for mode, names in LOOKS_AT.items()
    }
    return Calibration(ranking, models, thresholds_of(models), f"{len(questions)} labelled questions of {model.name}")


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


class _Weighed(NamedTuple):
    """What speaks for N candidates, `right` (N,) 1 for the right ones, and the numbers of their `questions` (N,)."""

    evidence: list[Evidence]
    right: Floats
    questions: Indices

    @property
    def features(self) -> Floats:
        """The evidence as (N, F)."""
        return table(self.evidence)

    def best(self, scores: Floats) -> _Weighed:
        """Of each question the candidate with the highest of `scores` (N,)."""
        order = np.lexsort((-scores, self.questions))
        _, first = np.unique(self.questions[order], return_index=True)
        kept = order[first]
        return _Weighed([self.evidence[at] for at in kept.tolist()], self.right[kept], self.questions[kept])


def _weighed(
    model: LiveModel,
    mode: Mode,
    questions: Sequence[Labelled],
    matches: Sequence[Sequence[Match]],
    tokenizer: Tokenizer,
) -> _Weighed:
    """What speaks for each candidate answer to each of `questions`, and whether it is right."""
    evidence, right, numbers = [], [], []
    for at in range(0, len(questions), _BATCH):
        some = slice(at, at + _BATCH)
        tokens = [tokenizer.split(normalise_question(one.question)) for one in questions[some]]
        proposed = propose(model, mode, tokens, matches[some])
        for number, (one, proposals) in enumerate(zip(questions[some], proposed, strict=True), start=at):
            evidence += [proposal.evidence for proposal in proposals]
            right += [normalise(proposal.text) in one.right for proposal in proposals]
            numbers += [number] * len(proposals)
    return _Weighed(evidence, np.array(right, np.float64), np.array(numbers, np.int64))
