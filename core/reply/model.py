"""One model that answers: question tokens → what the engine says. It knows no memory and no rules."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from core.memory import Memory
from core.nmt.vocab import UNK
from core.reply.fallback import UNHEARD, UNKNOWN, Fallback
from core.reply.reply import Candidate, Reply
from core.text import Tokenizer


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

    What reviewers taught since it was trained is no part of it: a correction counts at once, and models are swapped
    later. `own_memory` is what its run was trained with, for those who have no other.
    """

    def __init__(
        self, name: str, translator: Translator, tokenizer: Tokenizer, own_memory: Memory | None = None
    ) -> None:
        self.name = name
        self.own_memory = own_memory
        self._translator = translator
        self._tokenizer = tokenizer
        self._unknown = Fallback(UNKNOWN)
        self._unheard = Fallback(UNHEARD)

    def answer(self, questions: Sequence[Sequence[str]]) -> list[Reply]:
        """The engine's own reply to each question, given as the tokens that `Tokenizer.split` makes.

        One without any is silence. There is a fallback where the engine says nothing.
        """
        said = self.say(questions)
        return [
            Reply(best.text, best.source, best.score, self.name)
            if best
            else Reply((self._unknown if tokens else self._unheard).sentence(), "fallback", 0.0, self.name)
            for tokens, best in zip(questions, said, strict=True)
        ]

    def say(self, questions: Sequence[Sequence[str]]) -> list[Candidate | None]:
        """What the engine says to each question; None where that is nothing, or no text."""
        known = self._translator.src_vocab
        spelt = [self._tokenizer.spell_known(tokens, known) for tokens in questions if tokens]
        hypotheses = iter(self._translator.translate(spelt) if spelt else ())
        return [self._candidate(next(hypotheses)) if tokens else None for tokens in questions]

    def _candidate(self, hypothesis: Hypothesis) -> Candidate | None:
        text = "" if UNK in hypothesis.tokens else self._tokenizer.join(hypothesis.tokens)
        return Candidate(text, "neural", hypothesis.score) if text else None
