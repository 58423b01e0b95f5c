"""What could be said to a question, by memory and engine, each with what speaks for it. Nothing is refused here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from core.memory import Match
from core.reply.evidence import Evidence, remembered, weigh
from core.reply.model import LiveModel
from core.reply.reply import Candidate, Mode, Source
from core.text import normalise

_MOST_HYPOTHESES = 5
_MOST_REMEMBERED = 8  # answers of near questions that the engine weighs; what has fewer votes is hardly ever best


@dataclass(frozen=True, slots=True)
class Proposal:
    """An answer, who proposes it, and what speaks for it. `engine` is how sure the engine is, 0 where unasked."""

    text: str
    source: Source
    evidence: Evidence
    engine: float = 0.0


def propose(
    model: LiveModel, mode: Mode, questions: Sequence[Sequence[str]], matches: Sequence[Sequence[Match]]
) -> list[list[Proposal]]:
    """All that could be said to each of `questions`, tokens that are never none, near to which are `matches`.

    The engine's own come as it ranks them, then what it did not think of.
    """
    if mode == "memory":
        return [_from_memory(some) for some in matches]
    own = model.propose(questions, _MOST_HYPOTHESES)
    if mode == "neural":
        return [_from_engine(some) for some in own]
    found = [dict(islice(remembered(some).items(), _MOST_REMEMBERED)) for some in matches]
    others = [
        [answer for answer in known if answer not in {normalise(one.text) for one in some}]
        for known, some in zip(found, own, strict=True)
    ]
    scores = model.score(questions, others)
    return [
        _together(some, known, dict(zip(rest, of_rest, strict=True)))
        for some, known, rest, of_rest in zip(own, found, others, scores, strict=True)
    ]


def _from_memory(matches: Sequence[Match]) -> list[Proposal]:
    found = remembered(matches)
    evidence = weigh(list(found), found, None)
    return [Proposal(text, "memory", one) for (text, _, _), one in zip(found.values(), evidence, strict=True)]


def _from_engine(own: Sequence[Candidate]) -> list[Proposal]:
    likely = {normalise(one.text): one.score for one in own}
    evidence = weigh(list(likely), {}, likely)
    return [Proposal(one.text, "neural", what, one.score) for one, what in zip(own, evidence, strict=True)]


def _together(
    own: Sequence[Candidate], found: dict[str, tuple[str, float, float]], rest: dict[str, float]
) -> list[Proposal]:
    likely = {normalise(one.text): one.score for one in own} | rest
    texts = {normalise(one.text): one.text for one in own} | {answer: text for answer, (text, _, _) in found.items()}
    evidence = weigh(list(texts), found, likely)
    return [
        Proposal(text, "memory" if answer in found else "neural", one, likely[answer])
        for (answer, text), one in zip(texts.items(), evidence, strict=True)
    ]
