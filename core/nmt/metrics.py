"""Scores of answers against references, in percent, exactly as tensorflow/nmt gives them; and chrF.

Both are lines of text, and their words are what lies between single spaces: an empty line is one empty word, and two
spaces have one between them. The original counts so, and so its BLEU is not quite sacrebleu's.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from core.nmt.errors import NmtError
from core.nmt.subwords import reference_text

_MAX_ORDER = 4


def bleu(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """Corpus BLEU of up to four words in a row, one reference each: Papineni et al. (2002), section 2.3.

    BLEU = BP · exp(Σ ¼ log p_n), with BP = 1 where the hypotheses are longer, else exp(1 - r/c). Nothing is
    smoothed: without four words in a row anywhere it is 0.
    """
    matches, possible = [0] * _MAX_ORDER, [0] * _MAX_ORDER
    length = reference_length = 0
    for ours, theirs in _words(hypotheses, references):
        length, reference_length = length + len(ours), reference_length + len(theirs)
        for n in range(1, _MAX_ORDER + 1):
            found = _ngrams(ours, n)
            matches[n - 1] += (found & _ngrams(theirs, n)).total()
            possible[n - 1] += found.total()
    if min(matches) == 0:
        return 0.0
    precision = math.exp(sum(math.log(m / p) for m, p in zip(matches, possible, strict=True)) / _MAX_ORDER)
    brevity = 1.0 if length > reference_length else math.exp(1 - reference_length / length)
    return 100 * precision * brevity


def _ngrams(words: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def rouge(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """ROUGE-L, the mean over sentences of its F-score: Lin (2004), section 3, equations 2 to 4.

    R = LCS/m, P = LCS/n, F = (1 + β²)RP / (R + β²P), for m words of the reference, n of the hypothesis, and LCS words
    in the longest sequence that both hold in order. As in the original β = P/R, which makes F no harmonic mean; its
    guards against 0/0 are kept too, for they show in the last digits.
    """
    scores = []
    for ours, theirs in _words(hypotheses, references):
        common = _common_subsequence(ours, theirs)
        recall, precision = common / len(theirs), common / len(ours)
        beta = precision / (recall + 1e-12)
        f_score = (1 + beta**2) * recall * precision / (recall + beta**2 * precision + 1e-12)
        scores.append(f_score)
    return 100 * float(np.mean(scores))


def _common_subsequence(a: Sequence[str], b: Sequence[str]) -> int:
    """The length of the longest common subsequence, by dynamic programming over a's words."""
    row = [0] * (len(b) + 1)  # for each beginning of b, its longest one with the words of a so far
    for word in a:
        before = row
        row = [0]
        for j, other in enumerate(b):
            row.append(before[j] + 1 if word == other else max(before[j + 1], row[j]))
    return row[-1]


def accuracy(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """Share of hypotheses that are their reference."""
    pairs = zip(hypotheses, references, strict=True)
    return 100 * sum(h.strip() == r.strip() for h, r in pairs) / max(1, len(references))


def word_accuracy(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """The mean share of places at which a hypothesis has its reference's word; the longer side counts."""
    shares = [
        100 * sum(a == b for a, b in zip(ours, theirs, strict=False)) / max(len(ours), len(theirs))
        for ours, theirs in _words(hypotheses, references)
    ]
    return sum(shares) / max(1, len(shares))


def chrf(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """chrF2 of the corpus, from letters up to six in a row: Popović (2015), as sacrebleu defines it."""
    # Imported on first use: who asks for another metric need not have it.
    from sacrebleu.metrics import CHRF

    return float(CHRF().corpus_score(list(hypotheses), [list(references)]).score)


def _words(hypotheses: Sequence[str], references: Sequence[str]) -> list[tuple[list[str], list[str]]]:
    pairs = zip(hypotheses, references, strict=True)
    return [(hypothesis.strip().split(" "), reference.strip().split(" ")) for hypothesis, reference in pairs]


METRICS: dict[str, Callable[[Sequence[str], Sequence[str]], float]] = {
    "bleu": bleu,
    "rouge": rouge,
    "accuracy": accuracy,
    "word_accuracy": word_accuracy,
    "chrf": chrf,
}
# The original compares these with the reference as it stands in its file, whatever --subword_option says.
_UNJOINED = ("accuracy", "word_accuracy")


def score(name: str, answers: Sequence[str], references: Sequence[str], subword_option: str) -> float:
    """The metric `name` of answers, joined to words already, against the lines of a reference file, in percent.

    Raises `NmtError` when there is no such metric, or there are not as many of both.
    """
    check_names([name])
    if len(answers) != len(references):
        raise NmtError(f"{len(answers)} answers can't be scored against {len(references)} references")
    if name not in _UNJOINED:
        references = [reference_text(line, subword_option) for line in references]
    return METRICS[name](answers, references)


def check_names(names: Sequence[str]) -> None:
    """Raise `NmtError` for a metric that does not exist."""
    for name in names:
        if name not in METRICS:
            raise NmtError(f"--metrics names {name!r}: choose from {', '.join(METRICS)}")
