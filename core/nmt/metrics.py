"""Scores of hypotheses against references, both lists of tokens. As tensorflow/nmt defines them, in percent."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

from core.nmt.errors import NmtError

Sentence = Sequence[str]


def bleu(hypotheses: Sequence[Sentence], references: Sequence[Sentence], max_order: int = 4) -> float:
    """Corpus BLEU, one reference each: Papineni et al. (2002), section 2.3, without smoothing."""
    matches, possible = [0] * max_order, [0] * max_order
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        for n in range(1, max_order + 1):
            ours, theirs = _ngrams(hypothesis, n), _ngrams(reference, n)
            matches[n - 1] += (ours & theirs).total()
            possible[n - 1] += ours.total()
    if min(matches) == 0:
        return 0.0
    precision = math.exp(sum(math.log(m / p) for m, p in zip(matches, possible, strict=True)) / max_order)
    length, reference_length = sum(map(len, hypotheses)), sum(map(len, references))
    brevity = 1.0 if length > reference_length else math.exp(1 - reference_length / length)
    return 100 * precision * brevity


def _ngrams(sentence: Sentence, n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(sentence[i : i + n]) for i in range(len(sentence) - n + 1))


def accuracy(hypotheses: Sequence[Sentence], references: Sequence[Sentence]) -> float:
    """Share of hypotheses that are their reference, token for token."""
    pairs = zip(hypotheses, references, strict=True)
    return 100 * sum(tuple(h) == tuple(r) for h, r in pairs) / max(1, len(references))


def word_accuracy(hypotheses: Sequence[Sentence], references: Sequence[Sentence]) -> float:
    """The mean share of places at which a hypothesis has its reference's token; the longer side counts."""
    shares = [
        sum(a == b for a, b in zip(h, r, strict=False)) / max(len(h), len(r), 1)
        for h, r in zip(hypotheses, references, strict=True)
    ]
    return 100 * sum(shares) / max(1, len(shares))


METRICS: dict[str, Callable[[Sequence[Sentence], Sequence[Sentence]], float]] = {
    "bleu": bleu,
    "accuracy": accuracy,
    "word_accuracy": word_accuracy,
}


def check_names(names: Sequence[str]) -> None:
    """Raise `NmtError` for a metric that does not exist."""
    for name in names:
        if name not in METRICS:
            raise NmtError(f"--metrics names {name!r}: choose from {', '.join(METRICS)}")
