"""A source whose best hypothesis is unlikely, read again with each of its tokens left out, and what all readings say.

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

# e^score from which on further readings seldom find a better one: they would only take time.
_LIKELY = 0.5

# The hypotheses for each source, the best first; there may be none.
Search = Callable[[Sequence[Ids]], Sequence[Sequence[Ranked]]]


class Readings(NamedTuple):
    """How much all that is left of a source counts, 0 to 1, and how its hypotheses are ranked.

    The whole source counts the rest. With a `share` of 0 nothing is read again.
    """

    share: float
    ranking: Ranking

    def doubt(self, source: Ids, best: Ranked) -> bool:
        """Whether `source` is read again, for the whole of which `best` is the best hypothesis."""
        few = 1 < len(source) <= _MOST_TOKENS
        return self.share > 0 and few and best.score < math.log(_LIKELY) and not self._sure(best)

    def named(self, some: Sequence[Ranked]) -> Sequence[Ranked]:
        """Those of a reading's hypotheses, best first, that count: where it is sure of one, it says nothing else."""
        return some[:1] if some and self._sure(some[0]) else some

    def _sure(self, best: Ranked) -> bool:
        return bool(self.ranking.sure(best.log_prob, best.scored_tokens))


def reread(
    sources: Sequence[Ids], found: Sequence[Sequence[Ranked]], count: int, readings: Readings, search: Search
) -> list[list[Ranked]]:
    """At most `count` of the tree's sentences for each source, ranked by all its readings, the best first.

    `found` is what is said to the sources themselves. It stays as it is where its first is likely enough, and where a
    source has one token, or more than twenty.
    """
    results = [list(some[:count]) for some in found]
    doubted = [
        i
        for i, (source, some) in enumerate(zip(sources, found, strict=True))
        if some and readings.doubt(source, some[0])
    ]
    parts = {i: [np.delete(sources[i], at, axis=0) for at in range(len(sources[i]))] for i in doubted}
    # Where a token comes twice in a row, it is the same whichever is left out.
    distinct = {_key(part): part for some in parts.values() for part in some}
    said = dict(zip(distinct, search([*distinct.values()]) if distinct else (), strict=True))
    for i in doubted:
        others = [[_in_place(one, at) for one in readings.named(said[_key(part)])] for at, part in enumerate(parts[i])]
        results[i] = together(found[i], others, readings)[:count]
    return results


def together(whole: Sequence[Ranked], others: Sequence[Sequence[Ranked]], readings: Readings) -> list[Ranked]:
    """Every sentence that a reading found, the best first, by the logarithm of its mean e^score over the readings.

    `whole` is what is said to the whole source, and `others` to the rest of it, each. A reading that did not find a
    sentence gives it nothing.
    """
    shares = np.array([1 - readings.share, readings.share / len(others)])
    with np.errstate(divide="ignore"):  # the whole source may count nothing
        of_whole, of_other = np.log(shares).tolist()
    scores: dict[tuple[int, ...], float] = {}
    first: dict[tuple[int, ...], Ranked] = {}
    for weight, some in [(of_whole, whole), *((of_other, some) for some in others)]:
        for one in some:
            ids = tuple(one.ids)
            scores[ids] = float(np.logaddexp(scores.get(ids, -math.inf), weight + one.score))
            first.setdefault(ids, one)
    best = sorted(scores, key=lambda ids: -scores[ids])
    return [readings.ranking.rescored(first[ids], scores[ids]) for ids in best]


def _key(source: Ids) -> tuple[tuple[int, ...], bytes]:
    return source.shape, source.tobytes()


def _in_place(one: Ranked, at: int) -> Ranked:
    """The hypothesis of a source without its token `at`: nothing looked at that."""
    if one.alignments is None:
        return one
    return one._replace(alignments=np.insert(one.alignments, at, 0, axis=1))
