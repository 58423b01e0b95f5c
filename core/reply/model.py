"""One model that answers: question tokens → what the engine says. It knows no memory and no rules."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from core.memory import Match, Memory
from core.nmt.vocab import UNK
from core.reply.calibration import Calibration
from core.reply.fallback import UNHEARD, UNKNOWN, Fallback
from core.reply.meanings import Meanings
from core.reply.reply import Candidate, Reply
from core.text import Tokenizer

if TYPE_CHECKING:
    from core.reply.meanings import Vectors


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

    def propose(self, sources: Sequence[Sequence[str]], count: int) -> Sequence[Sequence[Hypothesis]]:
        """At most `count` hypotheses for each source, the best first."""
        ...

    def meanings(self, sources: Sequence[Sequence[str]]) -> Vectors:
        """What the engine reads each source as, (N, M); none is without tokens."""
        ...

    def warm_up(self) -> None:
        """Make the first answer as fast as the others."""
        ...


Loader = Callable[[ModelRef], Translator]


class LiveModel:
    """A loaded model with its name. Threads may share it.

    What reviewers taught since it was trained is no part of it: a correction counts at once, and models are swapped
    later.

    Attributes:
        name: what replies carry.
        calibration: of the model's own run; None where it has none.
        own_memory: what the run was trained with, for those who have no other.
    """

    def __init__(
        self,
        name: str,
        translator: Translator,
        tokenizer: Tokenizer,
        *,
        calibration: Calibration | None = None,
        own_memory: Memory | None = None,
    ) -> None:
        self.name = name
        self.calibration = calibration
        self.own_memory = own_memory
        self._translator = translator
        self._tokenizer = tokenizer
        self._unknown = Fallback(UNKNOWN)
        self._unheard = Fallback(UNHEARD)
        self._meanings = Meanings(lambda tokens: translator.meanings(self._read(tokens)), tokenizer)

    def answer(self, questions: Sequence[Sequence[str]]) -> list[Reply]:
        """The engine's own reply to each question, given as the tokens that `Tokenizer.split` makes.

        One without any is silence. There is a fallback where the engine says nothing.
        """
        return [
            Reply(said[0].text, said[0].source, said[0].score, self.name)
            if said
            else Reply((self._unknown if tokens else self._unheard).sentence(), "fallback", 0.0, self.name)
            for tokens, said in zip(questions, self.propose(questions, 1), strict=True)
        ]

    def propose(self, questions: Sequence[Sequence[str]], count: int) -> list[list[Candidate]]:
        """What the engine would say to each question: at most `count` answers, the likeliest first.

        None where it says nothing, or no text.
        """
        asked = self._read([tokens for tokens in questions if tokens])
        hypotheses = iter(self._translator.propose(asked, count) if asked else ())
        return [self._candidates(next(hypotheses)) if tokens else [] for tokens in questions]

    def nearer(self, questions: Sequence[Sequence[str]], matches: Sequence[Sequence[Match]]) -> list[list[Match]]:
        """The reviewed questions near to each of `questions`, see `Meanings.nearer`."""
        return self._meanings.nearer(questions, matches)

    def _read(self, questions: Sequence[Sequence[str]]) -> list[list[str]]:
        known = self._translator.src_vocab
        return [self._tokenizer.spell_known(tokens, known) for tokens in questions]

    def _candidates(self, hypotheses: Sequence[Hypothesis]) -> list[Candidate]:
        texts = ("" if UNK in one.tokens else self._tokenizer.join(one.tokens) for one in hypotheses)
        return [Candidate(text, "neural", one.score) for text, one in zip(texts, hypotheses, strict=True) if text]
