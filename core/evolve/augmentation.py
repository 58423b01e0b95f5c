"""Copies of the trained questions as people type them, so that a slip of the finger asks the same question."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass

from core.corpus import Corpus, Example
from core.evolve.errors import EvolveError
from core.text import Tokenizer
from core.text.noise import Family, Kind, noisy

# What is typed on the wrong layout is read as Hangul before it is asked: it needs no learning.
_KINDS = tuple(kind for kind in Kind if kind is not Kind.ENGLISH_LAYOUT)

_SEED = 0
_TRIES = 3  # a kind may not apply, or give another trained question


@dataclass(frozen=True)
class AugmentationSettings:
    """How many copies are learned beside the questions themselves. Raises `EvolveError` for what makes no sense.

    Attributes:
        copies: how many more times each pair is learned.
        share: the part of these copies that is noisy, 0 to 1; the rest is as it is, so that it is learned as well.
    """

    copies: int = 3
    share: float = 0.5

    def __post_init__(self) -> None:
        if self.copies < 0 or not 0 <= self.share <= 1:
            raise EvolveError(
                f"copies is {self.copies} and share is {self.share}: choose 0 or more, and a share from 0 to 1"
            )


def copies(corpus: Corpus, tokenizer: Tokenizer, settings: AugmentationSettings) -> list[Example]:
    """`settings.copies` of every pair of `corpus.train`, some with a noisy question; every target is unchanged.

    All noise is of the family for training. A form that is another trained question is that question, no noise, and
    is not used. The same arguments give the same copies: a run that goes on sees what the killed one saw.
    """
    rng = random.Random(_SEED)
    known = set(corpus.src_vocab)
    answers: dict[str, set[str]] = defaultdict(set)
    for example in corpus.train:
        answers[example.pair.question].add(example.pair.answer)

    def copy(example: Example) -> Example:
        if rng.random() >= settings.share:
            return example
        for _ in range(_TRIES):
            form = noisy(example.pair.question, rng.choice(_KINDS), Family.TRAINING, rng)
            if form and form not in answers:
                return example._replace(source=tokenizer.spell_known(tokenizer.split(form), known))
        return example

    return [copy(example) for _ in range(settings.copies) for example in corpus.train]
