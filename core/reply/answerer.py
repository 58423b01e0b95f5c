"""From questions to replies: memory and engine propose, what speaks for each is weighed, the guard refuses, the best
that is left is said, if it is likely enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from core.memory import Match, Memory
from core.reply.blocklist import Blocklist
from core.reply.calibration import DEFAULT
from core.reply.fallback import BLOCKED, UNHEARD, UNKNOWN, Fallback
from core.reply.guard import Guard
from core.reply.model import LiveModel
from core.reply.proposals import Proposal, propose
from core.reply.reply import MODES, Candidate, Mode, Near, Reply
from core.text import normalise

NEAREST = 20  # reviewed questions that are looked at
_MOST_CANDIDATES = 5
_MOST_OFFERS = 2
_SAME = 1.0  # similarity of the question itself
_ALIKE = 0.8  # and of one in other words or with a slip of the finger, for which what is wrong there is wrong too

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
    """A question, the reviewed rows near to it, and the acceptable answers, best first."""

    question: Question
    matches: Sequence[Match] = ()
    candidates: Sequence[Candidate] = ()


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
        """Each question with all that could be said, however unlikely it is right."""
        thoughts = [self._remember(question) for question in questions]
        for mode in MODES:
            asking = [at for at, thought in enumerate(thoughts) if self._is_open(thought, mode)]
            for at, candidates in zip(asking, self._consider([thoughts[at] for at in asking], mode), strict=True):
                thoughts[at] = replace(thoughts[at], candidates=candidates)
        return thoughts

    def _remember(self, question: Question) -> Thought:
        """What memory knows; and what it says at once, where this very question was reviewed."""
        if self._memory is None or not question.tokens or self._rules.blocks(question.text):
            return Thought(question)
        thought = Thought(question, self._memory.find(question.text, NEAREST))
        if question.mode == "neural":
            return thought
        same = [Candidate(one.answer, "memory", _SAME) for one in thought.matches if one.similarity == _SAME]
        return replace(thought, candidates=self._acceptable(thought, same))

    def _is_open(self, thought: Thought, mode: Mode) -> bool:
        """Whether it is for this mode to say what could be said."""
        question = thought.question
        return (
            question.mode == mode
            and not thought.candidates
            and bool(question.tokens)
            and not self._rules.blocks(question.text)
        )

    def _consider(self, thoughts: Sequence[Thought], mode: Mode) -> list[list[Candidate]]:
        """What is acceptable of all that could be said, best first."""
        if not thoughts:
            return []
        if mode == "hybrid" and self._memory is None:
            mode = "neural"
        proposals = propose(
            self._model, mode, [one.question.tokens for one in thoughts], [one.matches for one in thoughts]
        )
        pairs = zip(thoughts, proposals, strict=True)
        return [self._acceptable(thought, self._scored(some, mode)) for thought, some in pairs]

    def _scored(self, proposals: Sequence[Proposal], mode: Mode) -> list[Candidate]:
        """`proposals` with how likely each is right, best first.

        Alone, the engine ranks its own; where it was not calibrated, its own score stands for the probability.
        """
        if mode == "neural" and self._model.calibration is None:
            return [Candidate(one.text, one.source, one.engine) for one in proposals]
        chances = (self._model.calibration or DEFAULT).chances(mode, [one.evidence for one in proposals])
        return [Candidate(proposals[at].text, proposals[at].source, chance) for at, chance in chances]

    def _acceptable(self, thought: Thought, candidates: Sequence[Candidate]) -> list[Candidate]:
        reviewed = {normalise(match.answer) for match in thought.matches if match.similarity == _SAME}
        text = thought.question.text
        return [
            one
            for one in candidates
            if self._guard.refusal(text, one.text, approved=normalise(one.text) in reviewed) is None
            and (normalise(one.text) in reviewed or not self._is_wrong_nearby(thought, one.text))
        ][:_MOST_CANDIDATES]

    def _is_wrong_nearby(self, thought: Thought, answer: str) -> bool:
        """Whether a reviewer marked `answer` wrong for a question that is asked here in hardly other words.

        The engine goes on saying it until it has learned the correction, and is surest of what it was trained on.
        """
        near = (match.question for match in thought.matches if match.similarity >= _ALIKE)
        return self._memory is not None and any(self._memory.is_wrong(question, answer) for question in near)

    def _reply(self, thought: Thought) -> Reply:
        question, candidates = thought.question, tuple(thought.candidates)
        if not question.tokens:
            return self._fallback(self._sentences.unheard, thought)
        if self._rules.blocks(question.text):
            return replace(self._fallback(self._sentences.blocked, thought), blocked=True)
        if not candidates or candidates[0].score < self._threshold(question.mode):
            return self._fallback(self._sentences.unknown, thought)
        best = candidates[0]
        return Reply(best.text, best.source, best.score, self._model.name, _nearest(thought), candidates)

    def _threshold(self, mode: Mode) -> float:
        strict = self._is_strict or mode == "memory"
        return (self._model.calibration or DEFAULT).threshold_of(mode) if strict else 0.0

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
