"""From questions to replies: memory answers where a reviewed question is near enough, else the engine where it is sure
enough, else nobody. What the guard refuses, neither says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from core.memory import SURE, Match, Memory
from core.reply.blocklist import Blocklist
from core.reply.calibration import DEFAULT
from core.reply.evidence import remembered, thought_of
from core.reply.fallback import BLOCKED, UNHEARD, UNKNOWN, Fallback
from core.reply.guard import Guard
from core.reply.model import LiveModel
from core.reply.reply import MODES, Candidate, Mode, Near, Reply
from core.text import normalise

NEAREST = 20  # reviewed questions that are looked at
_MOST_CANDIDATES = 5
_MOST_OFFERS = 2
_SAME = 1.0  # similarity of the question itself

# Surer than this, by its own score, the engine has to be of what no reviewed question is near to. Of questions that
# nothing answers it is so sure of one in a hundred.
_ENGINE_SURE = 0.95

# Where so few rows were reviewed, a question far from all of them says nothing of what the engine knows.
_TOO_FEW_ROWS = 100


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: the text, its tokens, who may answer, and the answer that this asker was given last."""

    text: str
    tokens: Sequence[str]
    mode: Mode = "hybrid"
    avoid: str = ""


@dataclass(frozen=True, slots=True)
class Sentences:
    """What is said where there is no answer."""

    unknown: Fallback = field(default_factory=lambda: Fallback(UNKNOWN))
    unheard: Fallback = field(default_factory=lambda: Fallback(UNHEARD))
    blocked: Fallback = field(default_factory=lambda: Fallback(BLOCKED))


@dataclass(frozen=True, slots=True)
class Thought:
    """A question, the reviewed rows near to it, the acceptable answers, best first, and whether to say the first.

    `alike` are the keys of the reviewed questions that it is hardly other words of, however the engine reads them.
    """

    question: Question
    matches: Sequence[Match] = ()
    alike: Sequence[str] = ()
    candidates: Sequence[Candidate] = ()
    is_sure: bool = False


class Answerer:
    """Answers a batch of questions with one model, one memory and one list of rules, as they are at that moment."""

    def __init__(self, model: LiveModel, memory: Memory | None, rules: Blocklist, sentences: Sentences) -> None:
        self._model = model
        self._memory = memory
        self._rules = rules
        self._guard = Guard(rules, memory)
        self._sentences = sentences
        self._is_strict = memory is not None and memory.size >= _TOO_FEW_ROWS

    def answer(self, questions: Sequence[Question]) -> list[Reply]:
        """A reply to each of `questions`."""
        return [self._reply(thought) for thought in self.think(questions)]

    def think(self, questions: Sequence[Question]) -> list[Thought]:
        """Each question with what could be said, and whether it is likely enough."""
        thoughts = [self._remember(question) for question in questions]
        for mode in MODES:
            asking = [at for at, thought in enumerate(thoughts) if self._is_open(thought, mode)]
            for at, thought in zip(asking, self._consider([thoughts[at] for at in asking], mode), strict=True):
                thoughts[at] = thought
        return thoughts

    def _remember(self, question: Question) -> Thought:
        """What memory knows; and what it says at once, where this very question was reviewed."""
        if self._memory is None or not question.tokens or self._rules.blocks(question.text):
            return Thought(question)
        matches = self._memory.find(question.text, NEAREST)
        thought = Thought(question, matches, self._memory.alike(question.text, matches))
        if question.mode == "neural":
            return thought
        same = [Candidate(one.answer, "memory", _SAME) for one in thought.matches if one.similarity == _SAME]
        said = self._acceptable(thought, same)
        return replace(thought, candidates=said, is_sure=bool(said))

    def _is_open(self, thought: Thought, mode: Mode) -> bool:
        """Whether it is for this mode to say what could be said."""
        question = thought.question
        return (
            question.mode == mode
            and not thought.candidates
            and bool(question.tokens)
            and not self._rules.blocks(question.text)
        )

    def _consider(self, thoughts: Sequence[Thought], mode: Mode) -> list[Thought]:
        """Memory first, as the engine reads the near questions too; the engine's own where that is not near enough."""
        if mode == "hybrid":
            near = self._model.nearer([one.question.tokens for one in thoughts], [one.matches for one in thoughts])
            thoughts = [replace(one, matches=some) for one, some in zip(thoughts, near, strict=True)]
        if mode != "neural":
            thoughts = [self._recall(one, mode) for one in thoughts]
        return list(thoughts) if mode == "memory" else self._ask(thoughts)

    def _recall(self, thought: Thought, mode: Mode) -> Thought:
        """The answers of near questions, refused ones left out, as if their rows were none."""
        matches = [one for one in thought.matches if self._allows(thought, one.answer)]
        if not matches:
            return thought
        if self._memory is not None and self._memory.has_wrong(thought.question.text, thought.alike):
            # What is near to it has misled already: what is farther has no vote while something is near.
            matches = [one for one in matches if one.similarity >= SURE] or matches
        found = remembered(matches)[:_MOST_CANDIDATES]
        chances = (self._model.calibration or DEFAULT).chances(mode, [evidence for _, evidence in found])
        said = [Candidate(answer, "memory", chance) for (answer, _), chance in zip(found, chances, strict=True)]
        return replace(thought, candidates=said, is_sure=matches[0].similarity >= SURE)

    def _ask(self, thoughts: Sequence[Thought]) -> list[Thought]:
        """The engine's own answers to what nobody is sure of yet."""
        asking = [at for at, thought in enumerate(thoughts) if not thought.is_sure]
        own = self._model.propose([thoughts[at].question.tokens for at in asking], _MOST_CANDIDATES)
        answered = list(thoughts)
        for at, some in zip(asking, own, strict=True):
            answered[at] = self._with_own(thoughts[at], some)
        return answered

    def _with_own(self, thought: Thought, own: Sequence[Candidate]) -> Thought:
        """`own` are the engine's, with its own score. Where it was not calibrated that stands for the probability."""
        own = self._acceptable(thought, own)
        doubted = self._is_strict and thought.question.mode != "neural"
        is_sure = bool(own) and (own[0].score > _ENGINE_SURE or not doubted)
        if calibration := self._model.calibration:
            chances = calibration.chances("neural", [thought_of(one.score) for one in own])
            own = [replace(one, score=chance) for one, chance in zip(own, chances, strict=True)]
        texts = {normalise(one.text) for one in own}
        others = [one for one in thought.candidates if normalise(one.text) not in texts]
        if not is_sure:
            ranked = sorted([*own, *others], key=lambda one: -one.score)
            return replace(thought, candidates=ranked[:_MOST_CANDIDATES])
        return replace(thought, candidates=[*own, *others][:_MOST_CANDIDATES], is_sure=True)

    def _acceptable(self, thought: Thought, candidates: Sequence[Candidate]) -> list[Candidate]:
        return [one for one in candidates if self._allows(thought, one.text)][:_MOST_CANDIDATES]

    def _allows(self, thought: Thought, answer: str) -> bool:
        """Whether neither the guard nor a reviewer is against it."""
        said = normalise(answer)
        approved = any(one.similarity == _SAME and normalise(one.answer) == said for one in thought.matches)
        if self._guard.refusal(thought.question.text, answer, approved=approved) is not None:
            return False
        return approved or not self._is_wrong_nearby(thought, answer)

    def _is_wrong_nearby(self, thought: Thought, answer: str) -> bool:
        """Whether a reviewer marked `answer` wrong for a question that is asked here in hardly other words.

        The engine goes on saying it until it has learned the correction, and is surest of what it was trained on.
        """
        return self._memory is not None and self._memory.is_wrong(thought.question.text, answer, thought.alike)

    def _reply(self, thought: Thought) -> Reply:
        question, candidates = thought.question, tuple(thought.candidates)
        if not question.tokens:
            return self._fallback(self._sentences.unheard, thought)
        if self._rules.blocks(question.text):
            return replace(self._fallback(self._sentences.blocked, thought), blocked=True)
        if not thought.is_sure:
            return self._fallback(self._sentences.unknown, thought)
        best = candidates[0]
        return Reply(best.text, best.source, best.score, self._model.name, _nearest(thought), candidates)

    def _fallback(self, sentences: Fallback, thought: Thought) -> Reply:
        return Reply(
            sentences.sentence(thought.question.avoid, rules=self._rules),
            "fallback",
            0.0,
            self._model.name,
            _nearest(thought),
            tuple(thought.candidates),
            self._offers(thought),
        )

    def _offers(self, thought: Thought) -> tuple[str, ...]:
        """The nearest questions that can be answered, each once."""
        known = (
            one.question
            for one in thought.matches
            if self._guard.refusal(one.question, one.answer, approved=True) is None
            and not self._rules.blocks(one.question)
        )
        return tuple(dict.fromkeys(known))[:_MOST_OFFERS]


def _nearest(thought: Thought) -> tuple[Near, ...]:
    return tuple(Near(one.row, one.question, one.answer, one.similarity) for one in thought.matches)
