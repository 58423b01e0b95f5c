"""One model that answers: question tokens → replies, with the fallback where the engine has nothing to say."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from core.nmt.vocab import UNK
from core.reply.fallback import UNHEARD, UNKNOWN, Fallback
from core.text import Tokenizer

Source = Literal["memory", "neural", "fallback"]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its text, where it comes from, how sure that source is (0 … 1), and the model's name."""

    text: str
    source: Source
    score: float
    model: str


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model to be loaded: the name that replies carry, and its `model/` directory."""

    name: str
    model_dir: Path


class Hypothesis(Protocol):
    """What a translator says: `core.nmt.inference.Hypothesis`."""

    @property
    def tokens(self) -> Sequence[str]:
        """The answer's tokens."""
        ...

    @property
    def score(self) -> float:
        """How sure the engine is, 0 … 1."""
        ...


class Translator(Protocol):
    """The part of `core.nmt.inference.Translator` that answering needs."""

    @property
    def src_vocab(self) -> Container[str]:
        """The tokens that the model knows in questions."""
        ...

    def translate(self, sources: Sequence[Sequence[str]]) -> Sequence[Hypothesis]:
        """The best hypothesis for each source."""
        ...

    def warm_up(self) -> None:
        """Make the first answer as fast as the others."""
        ...


Loader = Callable[[ModelRef], Translator]


class LiveModel:
    """A loaded model with its name. It keeps nothing between calls.

    The reviewed answers of a run, once they are found again by similarity, belong here, asked before the engine:
    they are part of the run and are to be swapped together with it.
    """

    def __init__(self, name: str, translator: Translator, tokenizer: Tokenizer) -> None:
        self.name = name
        self._translator = translator
        self._tokenizer = tokenizer
        self._unknown = Fallback(UNKNOWN)
        self._unheard = Fallback(UNHEARD)

    def answer(self, questions: Sequence[Sequence[str]]) -> list[Reply]:
        """A reply to each question, given as the tokens that `Tokenizer.split` makes; one without any is silence."""
        known = self._translator.src_vocab
        spelt = [self._tokenizer.spell_known(tokens, known) for tokens in questions if tokens]
        hypotheses = iter(self._translator.translate(spelt) if spelt else ())
        return [self._neural(next(hypotheses)) if tokens else self._fallback(self._unheard) for tokens in questions]

    def _neural(self, hypothesis: Hypothesis) -> Reply:
        text = "" if UNK in hypothesis.tokens else self._tokenizer.join(hypothesis.tokens)
        if not text:
            return self._fallback(self._unknown)
        return Reply(text, "neural", hypothesis.score, self.name)

    def _fallback(self, sentences: Fallback) -> Reply:
        return Reply(sentences.sentence(), "fallback", 0.0, self.name)
