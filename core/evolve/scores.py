"""How good a model is, on what it was trained on and on what it never saw, apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from core.corpus import Example
from core.evolve.parent import Parent, answers_by_question, texts
from core.text import Tokenizer


@dataclass(frozen=True, slots=True)
class Scores:
    """The engine alone, without memory or fallback.

    Args:
        uptake: share of the distinct trained questions that get one of their own answers, word for word; 0 … 1.
        trained_questions: how many there are.
        heldout_bleu: BLEU over morphemes on the held-out test set, 0 … 100; None without one.
        heldout_chrf: chrF over text, likewise.
        heldout_pairs: how many pairs were held out for it.
    """

    uptake: float
    trained_questions: int
    heldout_bleu: float | None
    heldout_chrf: float | None
    heldout_pairs: int

    def to_dict(self) -> dict[str, Any]:
        """The scores by name, as the manifest keeps them."""
        return asdict(self)


def score(
    train: Sequence[Example],
    trained: Sequence[str],
    test: Sequence[Example],
    unseen: Sequence[str],
    tokenizer: Tokenizer,
) -> Scores:
    """Scores from the texts that the model answered: `trained` to the questions of `train`, `unseen` to `test`."""
    own: dict[str, set[str]] = defaultdict(set)
    given: dict[str, str] = {}
    for example, answer in zip(train, trained, strict=True):
        own[example.pair.question].add(tokenizer.join(example.target))
        given[example.pair.question] = answer
    learned = sum(given[question] in answers for question, answers in own.items())
    bleu, chrf = _heldout(test, unseen, tokenizer) if test else (None, None)
    return Scores(learned / len(own), len(own), bleu, chrf, len(test))


def _heldout(test: Sequence[Example], answers: Sequence[str], tokenizer: Tokenizer) -> tuple[float, float]:
    """BLEU and chrF, 0 … 100.

    BLEU counts morphemes as the analyser finds them, not the model's tokens: those depend on the vocabulary, and
    scores of two models could not be compared.
    """
    from sacrebleu.metrics import BLEU, CHRF  # slow to import, and needed once an hour at most

    texts = [tokenizer.join(example.target) for example in test]
    morphemes = [[" ".join(tokenizer.split(text)) for text in side] for side in (answers, texts)]
    # force: the tokens are not sacrebleu's own, and it need not warn about that.
    bleu = BLEU(tokenize="none", force=True).corpus_score(morphemes[0], [morphemes[1]]).score
    return float(bleu), float(CHRF().corpus_score(list(answers), [texts]).score)


def unseen_scores(test: Sequence[Example], answers: Sequence[str], parent: Parent | None) -> list[tuple[float, float]]:
    """chrF, 0 … 100, of the new answer and of the parent's to each question of `test` that neither was trained on.

    Each answer is scored alone, against the nearest of the question's own answers.
    """
    from sacrebleu.metrics import CHRF

    if parent is None:
        return []
    own = answers_by_question(map(texts, test))
    given = {texts(example)[0]: answer for example, answer in zip(test, answers, strict=True)}
    both = [question for question in own if question in parent.unseen and question in parent.given]
    chrf = CHRF()

    def scored(question: str, answer: str) -> float:
        return float(chrf.sentence_score(answer, sorted(own[question])).score)

    return [(scored(question, given[question]), scored(question, parent.given[question])) for question in both]
