"""What a model version answers, as a server that loads it does; and what is counted in its answers."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.paraphrases import Asked
from core.nmt.hparams_file import load_hparams
from core.nmt.inference import Translator
from core.reply.model import LiveModel
from core.text import Tokenizer, get_analyser, normalise_question
from core.text.noise import Family, Kind, noisy

_BATCH = 128


class Bot:
    """The engine alone: no memory. `flags` say how it searches, where it is not to search as it was trained to.

    So many `members` of it are asked; None all.
    """

    def __init__(self, model_dir: Path, flags: Mapping[str, Any] | None = None, members: int | None = None) -> None:
        self._tokenizer = Tokenizer(get_analyser())
        hparams = load_hparams(model_dir).updated(dict(flags or {}))
        translator = Translator(model_dir, hparams=replace(hparams, members=members or hparams.members))
        self._model = LiveModel(model_dir.parent.name, translator, self._tokenizer)

    def answer(self, questions: Sequence[str]) -> list[str]:
        """The text of the answer to each."""
        read = [self._tokenizer.split(normalise_question(question)) for question in questions]
        said = (self._model.answer(read[at : at + _BATCH]) for at in range(0, len(read), _BATCH))
        return [reply.text for replies in said for reply in replies]


@dataclass(frozen=True, slots=True)
class Noise:
    """Forms of one kind, each with the answers to its clean form."""

    kind: Kind
    asked: list[Asked]


def noisy_forms(trained: Sequence[Asked], count: int) -> list[Noise]:
    """Every kind of noise on `count` trained questions, drawn with a fixed seed; forms that no training uses.

    A form that is another trained question asks that question, and is left out.
    """
    by_reading = {one.question: one for one in trained}
    drawn = random.Random(4).sample(list(trained), min(count, len(trained)))
    found = []
    for kind in Kind:
        rng = random.Random(5)
        asked = []
        for one in drawn:
            form = noisy(one.question, kind, Family.EVALUATION, rng)
            if form and by_reading.get(normalise_question(form), one) is one:
                asked.append(Asked(form, one.right))
        found.append(Noise(kind, asked))
    return found


def distinct(answers: Sequence[str], size: int) -> float:
    """Distinct-n, the share of n-grams of morphemes that are different: Li et al. (2016), section 5.3. 0 to 1."""
    tokenizer = Tokenizer(get_analyser())
    grams: Counter[tuple[str, ...]] = Counter()
    for answer in answers:
        tokens = tokenizer.split(answer)
        grams.update(pairwise(tokens) if size == 2 else ((token,) for token in tokens))
    return len(grams) / max(1, grams.total())
