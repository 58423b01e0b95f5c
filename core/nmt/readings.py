"""A source whose best hypothesis is unlikely, read again, and what all readings say.

A question in new words holds some that mislead. The mean over readings without one word each hangs on none of them: one
model is asked as if it were several, Gal & Ghahramani (2016), "Dropout as a Bayesian Approximation", Eq. 6, with the
word dropout of Iyyer et al. (2015) in place of units left out. And models that began with other weights are wrong about
other questions: Lakshminarayanan et al. (2017), "Simple and Scalable Predictive Uncertainty Estimation using Deep
Ensembles", section 2.4, whose mean over the members this is.
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

    The whole source counts the rest. With a `share` of 0 nothing is left out. So many `members` read a source that is
    in doubt, and count the same.
    """

    share: float
    ranking: Ranking
    members: int = 1

    @property
    def some(self) -> bool:
        """Whether there are any beside the first."""
        return self.share > 0 or self.members > 1

    def doubt(self, source: Ids, best: Ranked) -> bool:
        """Whether `source` is read again, for the whole of which `best` is the best hypothesis."""
        if best.score >= math.log(_LIKELY) or self._sure(best):
            return False
        return self.members > 1 or (self.share > 0 and 1 < len(source) <= _MOST_TOKENS)

    def named(self, some: Sequence[Ranked]) -> Sequence[Ranked]:
        """Those of a reading's hypotheses, best first, that count: where it is sure of one, it says nothing else."""
        return some[:1] if some and self._sure(some[0]) else some

    def _sure(self, best: Ranked) -> bool:
        return bool(self.ranking.sure(best.log_prob, best.scored_tokens))


def reread(
    sources: Sequence[Ids],
    found: Sequence[Sequence[Ranked]],
    count: int,
    readings: Readings,
    searches: Sequence[Search],
) -> list[list[Ranked]]:
    """At most `count` of the tree's sentences for each source, ranked by all its readings, the best first.

    `searches` are those of the `members`, one each. `found` is what the first of them says to the sources themselves.
    It stays as it is where its best is in no doubt.
    """
    results = [list(some[:count]) for some in found]
    doubted = [
        i
        for i, (source, some) in enumerate(zip(sources, found, strict=True))
        if some and readings.doubt(source, some[0])
    ]
    parts = {i: _parts(sources[i]) if readings.share else [] for i in doubted}
    # Where a token comes twice in a row, it is the same whichever is left out.
    distinct = {_key(part): part for some in parts.values() for part in some}
    wholes = [[found[i]] for i in doubted]
    said: list[dict[tuple[tuple[int, ...], bytes], Sequence[Ranked]]] = []
    for number, search in enumerate(searches):
        unread = [sources[i] for i in doubted] if number else []  # the first has read the whole sources
        asked = [*unread, *distinct.values()]
        answers = list(search(asked)) if asked else []
        for whole, some in zip(wholes, answers[: len(unread)], strict=False):
            whole.append(readings.named(some))
        said.append(dict(zip(distinct, answers[len(unread) :], strict=True)))
    for i, whole in zip(doubted, wholes, strict=True):
        others = [
            [_in_place(one, at) for one in readings.named(member[_key(part)])]
            for member in said
            for at, part in enumerate(parts[i])
        ]
        results[i] = together(whole, others, readings)[:count]
    return results


def together(
    wholes: Sequence[Sequence[Ranked]], others: Sequence[Sequence[Ranked]], readings: Readings
) -> list[Ranked]:
    """Every sentence that a reading found, the best first, by the logarithm of its mean e^score over the readings.

    `wholes` is what each member says to the whole source, and `others` to the rest of it, each. A reading that did not
    find a sentence gives it nothing.
    """
    share = readings.share if others else 0.0
    shares = np.array([(1 - share) / len(wholes), share / max(1, len(others))])
    with np.errstate(divide="ignore"):  # the whole source may count nothing
        of_whole, of_other = np.log(shares).tolist()
    scores: dict[tuple[int, ...], float] = {}
    first: dict[tuple[int, ...], Ranked] = {}
    for weight, some in [*((of_whole, some) for some in wholes), *((of_other, some) for some in others)]:
        for one in some:
            ids = tuple(one.ids)
            scores[ids] = float(np.logaddexp(scores.get(ids, -math.inf), weight + one.score))
            first.setdefault(ids, one)
    best = sorted(scores, key=lambda ids: -scores[ids])
    return [readings.ranking.rescored(first[ids], scores[ids]) for ids in best]


def _parts(source: Ids) -> list[Ids]:
    """What is left of a source without each of its tokens; nothing where there is one, or more than twenty."""
    return [np.delete(source, at, axis=0) for at in range(len(source))] if 1 < len(source) <= _MOST_TOKENS else []


def _key(source: Ids) -> tuple[tuple[int, ...], bytes]:
    return source.shape, source.tobytes()


def _in_place(one: Ranked, at: int) -> Ranked:
    """The hypothesis of a source without its token `at`: nothing looked at that."""
    if one.alignments is None:
        return one
    return one._replace(alignments=np.insert(one.alignments, at, 0, axis=1))
