"""Questions that a model never saw and whose answer it was taught, and what the nearest trained question answers."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from core.corpus import Pair
from core.text import Tokenizer, get_analyser, normalise, normalise_question

# An answer to so many questions is asked for by words of more than one kind.
_QUESTIONS = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and the answers that are right."""

    question: str
    right: frozenset[str]


def right_answers(pairs: Sequence[Pair]) -> dict[str, frozenset[str]]:
    """Each question's own answers, both normalised."""
    found: dict[str, set[str]] = defaultdict(set)
    for pair in pairs:
        found[normalise_question(pair.question)].add(normalise(pair.answer))
    return {question: frozenset(answers) for question, answers in found.items()}


def hold_out(pairs: Sequence[Pair], draw: str = "") -> tuple[list[Pair], list[Asked]]:
    """The pairs to train on, and one question of each answer that at least three questions have.

    Which one, a hash of the question decides. It is taken out with all its answers, so the model never saw it. Another
    `draw` than the first, whatever its name, holds out none of the first's questions: to choose by these is fair.
    """
    right = right_answers(pairs)
    by_answer: dict[str, set[str]] = defaultdict(set)
    for question, answers in right.items():
        for answer in answers:
            by_answer[answer].add(question)
    common = [questions for questions in by_answer.values() if len(questions) >= _QUESTIONS]
    held = {min(questions, key=_place) for questions in common}
    if draw:
        others = [questions - held for questions in common]
        held = {min(questions, key=lambda question: _place(draw + question)) for questions in others if questions}
    rest = [pair for pair in pairs if normalise_question(pair.question) not in held]
    taught = {normalise(pair.answer) for pair in rest}
    return rest, [Asked(question, right[question]) for question in sorted(held) if right[question] & taught]


def _place(question: str) -> bytes:
    return hashlib.blake2b(question.encode(), digest_size=8).digest()


def share_right(asked: Sequence[Asked], answers: Sequence[str]) -> float:
    """How many of `answers` are right, 0 to 1."""
    return sum(answer in one.right for one, answer in zip(asked, answers, strict=True)) / len(asked)


def nearest_answers(trained: Sequence[Pair], asked: Sequence[Asked], *, by: str) -> list[str]:
    """For each question the answer of the trained question nearest to it, by TF-IDF and cosine.

    `by` morphemes, or by characters: runs of 1 to 3 of them, within words.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer  # nothing else needs it

    tokenizer = Tokenizer(get_analyser())

    def morphemes(text: str) -> list[str]:
        return [token.lstrip("▁") for token in tokenizer.split(text)]

    vectorizer = (
        TfidfVectorizer(analyzer=morphemes, sublinear_tf=True)
        if by == "morphemes"
        else TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 3), sublinear_tf=True)
    )
    known = vectorizer.fit_transform([normalise_question(pair.question) for pair in trained])
    similarities = vectorizer.transform([one.question for one in asked]) @ known.T
    return [normalise(trained[row.toarray().argmax()].answer) for row in similarities]
