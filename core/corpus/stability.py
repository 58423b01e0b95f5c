"""How much two samples of pairs differ: their profiles, and the population stability index between them."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.corpus.errors import CorpusError
from core.corpus.pair import Pair

_PARTS = 10  # deciles, as is usual for the index
_RARE = 0.01  # categories that hold less of the reference than this are one
_SMOOTHING = 0.5  # added to every count: an empty part would make the index infinite (Jeffreys' prior)
_SPREADS = 3  # how far above its mean chance alone hardly takes the index


@dataclass(frozen=True)
class Profile:
    """What a sample of pairs is like; counts that stay small however many pairs there are.

    Attributes:
        questions: length of a question in characters → how many there are.
        answers: likewise.
        categories: category, empty for none → how many pairs; empty when it is not known.
    """

    questions: Counter[int]
    answers: Counter[int]
    categories: Counter[str]

    @classmethod
    def of(cls, pairs: Iterable[Pair]) -> Profile:
        """The profile of normalised `pairs`."""
        profile = cls(Counter(), Counter(), Counter())
        for pair in pairs:
            profile.questions[len(pair.question)] += 1
            profile.answers[len(pair.answer)] += 1
            profile.categories[pair.category] += 1
        return profile

    @classmethod
    def read(cls, directory: Path) -> Profile:
        """The profile of the training set of a run whose manifest has none: its lengths, no categories.

        Raises `CorpusError` when `train.req` or `train.rep` can't be read.
        """
        try:
            return cls(_lengths(directory / "train.req"), _lengths(directory / "train.rep"), Counter())
        except (OSError, UnicodeDecodeError) as error:
            raise CorpusError(f"can't compare the corpus with that of {directory.name}: {error}") from error

    def to_dict(self) -> dict[str, dict[str, int]]:
        """Everything, in types that JSON knows."""
        return {
            name: {str(key): count for key, count in sorted(counts.items())}
            for name, counts in (
                ("questions", self.questions),
                ("answers", self.answers),
                ("categories", self.categories),
            )
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Profile:
        """The profile that `to_dict` told. Raises `CorpusError` for anything else."""
        try:
            questions, answers = (
                {int(key): int(n) for key, n in data[side].items()} for side in ("questions", "answers")
            )
            categories = {str(key): int(n) for key, n in data["categories"].items()}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise CorpusError(f"this is no profile of a corpus: {error!r}") from error
        return cls(Counter(questions), Counter(answers), Counter(categories))


def _lengths(path: Path) -> Counter[int]:
    """The lengths of the sentences in a token file: their word marks are the spaces, but for the first."""
    with path.open(encoding="utf-8") as file:
        return Counter(len(line.rstrip("\n").replace(" ", "")) - 1 for line in file)


@dataclass(frozen=True)
class Stability:
    """How far a sample is from a reference.

    Attributes:
        index: the population stability index, 0 for two that are alike.
        chance: what it stays below when both come from one population and only chance tells them apart.
    """

    index: float
    chance: float


def length_stability(reference: Mapping[int, int], sample: Mapping[int, int]) -> Stability | None:
    """The stability of lengths; None where either holds none.

    Their parts are the deciles of the `reference`, and what is shorter or longer than all of it.
    """
    edges = _deciles(reference) if reference else []

    def parts(lengths: Mapping[int, int]) -> Counter[int]:
        counts: Counter[int] = Counter()
        for length, count in lengths.items():
            counts[bisect_left(edges, length)] += count
        return counts

    return _stability(parts(reference), parts(sample), len(edges) + 1)


def category_stability(reference: Mapping[str, int], sample: Mapping[str, int]) -> Stability | None:
    """The stability of categories, the rare ones of the `reference` and new ones together; None as above."""
    total = sum(reference.values())
    own = {category for category, count in reference.items() if count >= _RARE * total}

    def parts(categories: Mapping[str, int]) -> Counter[str | None]:
        counts: Counter[str | None] = Counter()
        for category, count in categories.items():
            counts[category if category in own else None] += count
        return counts

    kept, seen = parts(reference), parts(sample)
    return _stability(kept, seen, len(kept | seen))


def _deciles(counts: Mapping[int, int]) -> list[int]:
    """The longest length of each tenth of `counts`, one for several where many are equal; first, what is shorter."""
    total, passed, tenth = sum(counts.values()), 0, 1
    edges = [min(counts) - 1]
    for length, count in sorted(counts.items()):
        passed += count
        if passed * _PARTS >= tenth * total:
            edges.append(length)
            tenth = passed * _PARTS // total + 1
    return edges


def _stability(reference: Mapping[Any, int], sample: Mapping[Any, int], parts: int) -> Stability | None:
    """The index of two counts over the same `parts`, with the bound of chance.

    PSI = Σ (pᵢ - qᵢ) ln(pᵢ / qᵢ), the symmetric Kullback-Leibler divergence (Siddiqi, Credit Risk Scorecards, 2006).
    When both samples, of n and m, are drawn from one population it is about (1/n + 1/m) χ² with B - 1 degrees of
    freedom for B parts (Yurdakul & Naranjo, Statistical properties of the population stability index, Journal of
    Risk Model Validation 14(4), 2020): for a held-out set of 100 chance alone goes beyond the usual 0.1.
    """
    n, m = sum(reference.values()), sum(sample.values())
    if not n or not m or parts < 2:
        return None
    index = 0.0
    for part in {**reference, **sample}:
        p, q = _share(reference, part, n, parts), _share(sample, part, m, parts)
        index += (p - q) * math.log(p / q)
    degrees = parts - 1
    return Stability(index, (1 / n + 1 / m) * (degrees + _SPREADS * math.sqrt(2 * degrees)))


def _share(counts: Mapping[Any, int], part: Hashable, total: int, parts: int) -> float:
    return (counts.get(part, 0) + _SMOOTHING) / (total + _SMOOTHING * parts)
