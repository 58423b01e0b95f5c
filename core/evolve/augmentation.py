"""Copies of the trained questions as people type them, so that a slip of the finger asks the same question.

Others lack some of their words, so that an answer hangs on no single one of them, and a question that shares only some
finds it too: word dropout, Iyyer et al. (2015), "Deep Unordered Composition Rivals Syntactic Methods for Text
Classification", section 3.1.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from core.corpus import Corpus, Example
from core.evolve.errors import EvolveError
from core.text import Tokenizer
from core.text.noise import Family, Kind, noisy

# What is typed on the wrong layout is read as Hangul before it is asked: it needs no learning.
_KINDS = tuple(kind for kind in Kind if kind is not Kind.ENGLISH_LAYOUT)

_SEED = 0
_FEWEST_LEFT = 2  # tokens, and half of them: less is left of many questions, and tells them apart no more
_TRIES = 3  # a kind may not apply, or give another trained question


@dataclass(frozen=True)
class AugmentationSettings:
    """How many copies are learned beside the questions themselves. Raises `EvolveError` for what makes no sense.

    Attributes:
        copies: how many more times each pair is learned.
        share: the part of these copies that is noisy, 0 to 1.
        dropped: how likely each token of the others is to be left out, 0 to 1; 0 keeps them as they are.
    """

    copies: int = 5
    share: float = 0.5
    dropped: float = 0.25

    def __post_init__(self) -> None:
        if self.copies < 0 or not 0 <= self.share <= 1 or not 0 <= self.dropped <= 1:
            raise EvolveError(
                f"copies is {self.copies}, share is {self.share} and dropped is {self.dropped}: "
                "choose 0 or more, a share from 0 to 1, and a likelihood from 0 to 1"
            )


def copies(corpus: Corpus, tokenizer: Tokenizer, settings: AugmentationSettings) -> list[Example]:
    """`settings.copies` of every pair of `corpus.train`, with a noisy question or with some of it; no target changes.

    All noise is of the family for training. A form that is another trained question is that question, no noise, and
    is not used. The same arguments give the same copies: a run that goes on sees what the killed one saw.
    """
    rng = random.Random(_SEED)
    known = set(corpus.src_vocab)
    questions = {example.pair.question for example in corpus.train}
    sources = {tuple(example.source) for example in corpus.train}

    def with_noise(example: Example) -> Example:
        for _ in range(_TRIES):
            form = noisy(example.pair.question, rng.choice(_KINDS), Family.TRAINING, rng)
            if form and form not in questions:
                return example._replace(source=tokenizer.spell_known(tokenizer.split(form), known))
        return example

    def with_less(example: Example) -> Example:
        left = [token for token in example.source if rng.random() >= settings.dropped]
        says_enough = len(left) >= max(_FEWEST_LEFT, len(example.source) / 2)
        return example._replace(source=left) if says_enough and tuple(left) not in sources else example

    def copy(example: Example) -> Example:
        return with_noise(example) if rng.random() < settings.share else with_less(example)

    return [copy(example) for _ in range(settings.copies) for example in corpus.train]
