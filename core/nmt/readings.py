"""A source that the search isn't sure of, read again with each of its tokens left out, and what all readings say.

A question in new words holds some that mislead. The mean over readings without one word each hangs on none of them: one
model is asked as if it were several, Gal & Ghahramani (2016), "Dropout as a Bayesian Approximation", Eq. 6, with the
word dropout of Iyyer et al. (2015) in place of units left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from core.nmt.dataset import Ids
from core.nmt.ranking import Ranked, Ranking

# Of a longer source one token is little, and there would be many searches.
_MOST_TOKENS = 20

# At most so many hypotheses for each source, the best first, as the search ranks them.
Search = Callable[[Sequence[Ids]], Sequence[Sequence[Ranked]]]


class Readings(NamedTuple):
    """How much all that is left of a source counts, 0 to 1, and how its hypotheses are ranked.

    The whole source counts the rest. With a `share` of 0 nothing is read again.
    """

    share: float
    ranking: Ranking


def reread(
    sources: Sequence[Ids], found: Sequence[Sequence[Ranked]], count: int, readings: Readings, search: Search
) -> list[list[Ranked]]:
    """At most `count` of the tree's sentences for each source, ranked by all its readings, the best first.

    `found` is what `search` says to the sources themselves. It stays as it is where its first is sure, and where a
    source has one token, or more than twenty.
    """
    results = [list(some[:count]) for some in found]
    unsure = [
        i
        for i, (source, some) in enumerate(zip(sources, found, strict=True))
        if 1 < len(source) <= _MOST_TOKENS and some and not _is_sure(some, readings.ranking)
    ]
    parts = [np.delete(sources[i], at, axis=0) for i in unsure for at in range(len(sources[i]))]
    said = iter(search(parts) if parts else ())
    for i in unsure:
        others = [_in_place(next(said), at) for at in range(len(sources[i]))]
        results[i] = together(found[i], others, readings)[:count]
    return results


def together(whole: Sequence[Ranked], others: Sequence[Sequence[Ranked]], readings: Readings) -> list[Ranked]:
    """Every sentence that a reading found, the best first, by the logarithm of its mean e^score over the readings.

    `whole` is what the whole source is answered, `others` what the rest of it is. A reading that did not find a
    sentence gives it nothing; one that is sure of a sentence gives the others nothing, as quick searches stop there.
    """
    ranking = readings.ranking
    shares = np.array([1 - readings.share, *[readings.share / len(others)] * len(others)])
    with np.errstate(divide="ignore"):  # the whole source may count nothing
        weights = np.log(shares).tolist()
    scores: dict[tuple[int, ...], float] = {}
    first: dict[tuple[int, ...], Ranked] = {}
    for weight, some in zip(weights, [whole, *others], strict=True):
        for one in some[:1] if some and _is_sure(some, ranking) else some:
            ids = tuple(one.ids)
            scores[ids] = float(np.logaddexp(scores.get(ids, -math.inf), weight + one.score))
            first.setdefault(ids, one)
    best = sorted(scores, key=lambda ids: -scores[ids])
    return [ranking.rescored(first[ids], scores[ids]) for ids in best]


def _is_sure(some: Sequence[Ranked], ranking: Ranking) -> bool:
    return bool(ranking.sure(some[0].log_prob, some[0].scored_tokens))


def _in_place(some: Sequence[Ranked], at: int) -> list[Ranked]:
    """Hypotheses of a source without its token `at`: nothing looked at that."""
    return [
        one if one.alignments is None else one._replace(alignments=np.insert(one.alignments, at, 0, axis=1))
        for one in some
    ]
