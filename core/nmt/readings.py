"""A source that the search isn't sure of, read again with each of its tokens left out, and what all readings say.

A question in new words holds some that mislead. The mean over readings without one word each hangs on none of them: one
model is asked as if it were several, Gal & Ghahramani (2016), "Dropout as a Bayesian Approximation", Eq. 6, with the
word dropout of Iyyer et al. (2015) in place of units left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from core.nmt.dataset import Ids
from core.nmt.ranking import Ranked, Ranking

# How much the whole source counts; the rest is shared by what is left of it. The table of docs/quality.md chose it.
_WHOLE = 0.25

# At most so many hypotheses for each source, the best first, as the search ranks them.
Search = Callable[[Sequence[Ids]], Sequence[Sequence[Ranked]]]


def reread(
    sources: Sequence[Ids], found: Sequence[Sequence[Ranked]], count: int, ranking: Ranking, search: Search
) -> list[list[Ranked]]:
    """At most `count` of the tree's sentences for each source, ranked by all its readings, the best first.

    `found` is what `search` says to the sources themselves. It stays as it is where its first is sure, and where a
    source has one token.
    """
    results = [list(some[:count]) for some in found]
    unsure = [i for i, source in enumerate(sources) if len(source) > 1 and found[i] and not _is_sure(found[i], ranking)]
    parts = [np.delete(sources[i], at, axis=0) for i in unsure for at in range(len(sources[i]))]
    said = iter(search(parts) if parts else ())
    for i in unsure:
        others = [_in_place(next(said), at) for at in range(len(sources[i]))]
        results[i] = together(found[i], others, ranking)[:count]
    return results


def together(whole: Sequence[Ranked], others: Sequence[Sequence[Ranked]], ranking: Ranking) -> list[Ranked]:
    """Every sentence that a reading found, the best first, by the logarithm of its mean e^score over the readings.

    `whole` is what the whole source is answered, `others` what the rest of it is. A reading that did not find a
    sentence gives it nothing; one that is sure of a sentence gives the others nothing, as quick searches stop there.
    """
    shares = [_WHOLE, *[(1 - _WHOLE) / len(others)] * len(others)]
    scores: dict[tuple[int, ...], float] = {}
    first: dict[tuple[int, ...], Ranked] = {}
    for share, some in zip(shares, [whole, *others], strict=True):
        for one in some[:1] if some and _is_sure(some, ranking) else some:
            ids = tuple(one.ids)
            scores[ids] = float(np.logaddexp(scores.get(ids, -math.inf), math.log(share) + one.score))
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
