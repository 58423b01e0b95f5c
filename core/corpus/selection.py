"""Which pairs are learned: one decision for every question.

A model that answers the same question always in the same way can learn one answer to it. So:

- The same question with the same answer counts once.
- Where a person wrote, corrected or approved an answer to the question, the newest of these is learned and every
  other answer to it is left out. A correction would be worth nothing beside the answer it corrects.
- Where only files answer the question, nothing says which answer is better, for lines in a file have no age.
  All of them are kept: each is a sentence the decoder can learn from, and any of them is a right answer. The
  model will give one. The report lists these questions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from core.corpus.pair import Pair
from core.corpus.report import Conflict, Omissions, Reason
from core.text import Tokenizer, normalise, normalise_question


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A pair that can be learned: normalised, neither side empty, both sides as tokens that are not yet spelt."""

    pair: Pair
    source: list[str]
    target: list[str]


@dataclass(frozen=True)
class Selection:
    """What is learned, what is not because another answer is, and the questions where that was a choice."""

    kept: list[Candidate]
    superseded: list[Candidate]
    conflicts: list[Conflict]


def read(pairs: Iterable[Pair], tokenizer: Tokenizer, omissions: Omissions) -> tuple[int, list[Candidate]]:
    """How many `pairs` there were, and those that can be learned, oldest first.

    Empty sides and exact duplicates go to `omissions`.
    """
    distinct: dict[tuple[str, str], Pair] = {}
    seen = 0
    for raw in pairs:
        seen += 1
        pair = replace(raw, question=normalise_question(raw.question), answer=normalise(raw.answer))
        if not pair.question:
            omissions.add(Reason.EMPTY_QUESTION, pair)
        elif not pair.answer:
            omissions.add(Reason.EMPTY_ANSWER, pair)
        else:
            _add_distinct(distinct, pair, omissions)
    return seen, [Candidate(p, tokenizer.split(p.question), tokenizer.split(p.answer)) for p in distinct.values()]


def _add_distinct(distinct: dict[tuple[str, str], Pair], pair: Pair, omissions: Omissions) -> None:
    """Keep one of two equal pairs: the later, so that it counts as new, but never a file's for a person's.

    It is a canary when either is: what was marked on one row holds for the same words on another.
    """
    key = pair.question, pair.answer
    earlier = distinct.get(key)
    if earlier is None:
        distinct[key] = pair
    elif pair.bulk:
        omissions.add(Reason.DUPLICATE, pair)
    else:
        omissions.add(Reason.DUPLICATE, earlier)
        del distinct[key]  # its place in the order is that of the later
        distinct[key] = replace(pair, canary=pair.canary or earlier.canary)


def select(candidates: Iterable[Candidate]) -> Selection:
    """Decide every question of `candidates`, which come oldest first and hold no pair twice."""
    by_question: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        by_question.setdefault(candidate.pair.question, []).append(candidate)
    selection = Selection([], [], [])
    for question, answers in by_question.items():
        reviewed = [answer for answer in answers if not answer.pair.bulk]
        kept = reviewed[-1:] or answers
        superseded = [answer for answer in answers if answer not in kept]
        selection.kept.extend(kept)
        selection.superseded.extend(superseded)
        if len(answers) > 1:
            selection.conflicts.append(
                Conflict(
                    question=question,
                    kept=tuple(answer.pair.answer for answer in kept),
                    superseded=tuple(answer.pair.answer for answer in superseded),
                    rows=tuple(answer.pair.row for answer in answers if answer.pair.row is not None),
                )
            )
    return selection
