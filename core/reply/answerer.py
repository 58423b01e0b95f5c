"""From questions to replies: memory and engine propose, the guard refuses, the best that is left is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.memory import Match, Memory, candidates
from core.reply.blocklist import Blocklist
from core.reply.fallback import BLOCKED, UNHEARD, UNKNOWN, Fallback
from core.reply.guard import Guard
from core.reply.model import LiveModel
from core.reply.reply import Candidate, Mode, Near, Reply
from core.text import normalise

_NEAREST = 10  # reviewed questions that are looked at
_MOST_CANDIDATES = 5
_MOST_OFFERS = 2
_SURE = 0.6  # similarity from which on memory answers


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
class _Thought:
    """A question with what memory found for it, and what is proposed, best first."""

    question: Question
    matches: Sequence[Match] = ()
    proposed: Sequence[Candidate] = ()


class Answerer:
    """Answers a batch of questions with one model, one memory and one list of rules, as they are at that moment."""

    def __init__(self, model: LiveModel, memory: Memory | None, rules: Blocklist, sentences: Sentences) -> None:
        self._model = model
        self._memory = memory
        self._rules = rules
        self._guard = Guard(rules, memory)
        self._sentences = sentences

    def answer(self, questions: Sequence[Question]) -> list[Reply]:
        """A reply to each of `questions`."""
        thoughts = [self._remember(question) for question in questions]
        asked = [at for at, thought in enumerate(thoughts) if self._needs_engine(thought)]
        said = self._model.say([questions[at].tokens for at in asked]) if asked else []
        for at, one in zip(asked, said, strict=True):
            proposed = (*thoughts[at].proposed, *([one] if one else ()))
            thoughts[at] = _Thought(questions[at], thoughts[at].matches, proposed)
        return [self._reply(thought) for thought in thoughts]

    def _remember(self, question: Question) -> _Thought:
        if self._memory is None or not question.tokens or self._rules.blocks(question.text):
            return _Thought(question)
        matches = self._memory.find(question.text, _NEAREST)
        if question.mode == "neural":
            return _Thought(question, matches)
        nearest = {normalise(match.answer): match.similarity for match in reversed(matches)}
        found = [Candidate(text, "memory", nearest[normalise(text)]) for text, _ in candidates(matches)]
        sure = [one for one in found if one.score >= _SURE]
        return _Thought(question, matches, sure)

    def _needs_engine(self, thought: _Thought) -> bool:
        question = thought.question
        if question.mode == "memory" or not question.tokens or self._rules.blocks(question.text):
            return False
        return not self._acceptable(thought)

    def _acceptable(self, thought: _Thought) -> list[Candidate]:
        same = {normalise(match.answer) for match in thought.matches if match.similarity == 1.0}
        found: dict[str, Candidate] = {}
        for one in thought.proposed:
            key = normalise(one.text)
            if self._guard.refusal(thought.question.text, one.text, approved=key in same) is None:
                found.setdefault(key, one)
        return list(found.values())[:_MOST_CANDIDATES]

    def _reply(self, thought: _Thought) -> Reply:
        question = thought.question
        nearest = tuple(Near(one.row, one.question, one.answer, one.similarity) for one in thought.matches)
        if not question.tokens:
            return self._fallback(self._sentences.unheard, question)
        if self._rules.blocks(question.text):
            return self._fallback(self._sentences.blocked, question)
        if not (acceptable := self._acceptable(thought)):
            return self._fallback(self._sentences.unknown, question, nearest, self._offers(thought))
        best = acceptable[0]
        return Reply(best.text, best.source, best.score, self._model.name, nearest, tuple(acceptable))

    def _fallback(
        self, sentences: Fallback, question: Question, nearest: tuple[Near, ...] = (), offers: tuple[str, ...] = ()
    ) -> Reply:
        text = sentences.sentence(question.avoid)
        return Reply(text, "fallback", 0.0, self._model.name, nearest, offers=offers)

    def _offers(self, thought: _Thought) -> tuple[str, ...]:
        """The nearest questions that can be answered, each once."""
        known = (
            one.question
            for one in thought.matches
            if self._guard.refusal(one.question, one.answer, approved=True) is None
            and not self._rules.blocks(one.question)
        )
        return tuple(dict.fromkeys(known))[:_MOST_OFFERS]
