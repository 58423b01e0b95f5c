"""The best answer of a `NumpyModel`: greedy search, and beam search that follows only what can still win.

Both find what `search.greedy_search` and `beams.beam_search` find, hypothesis for hypothesis. A hypothesis that ended
leaves the batch, so a long answer does not make the short ones beside it cost more.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.nmt.dataset import pad
from core.nmt.hparams import HParams
from core.nmt.numpy_layers import Floats, Ids, places
from core.nmt.numpy_logits import Continuations, Hypotheses, Room
from core.nmt.numpy_model import Memory, NumpyModel, State
from core.nmt.search import Ends

# More than the rounding of a sum of some log-probabilities.
_SLACK = np.float32(1e-3)

# The mean log-probability of tokens that a model is sure of.
_SURE = np.float32(-0.7)


class Found(NamedTuple):
    """The best hypothesis: `ids` without the end token, `log_prob` the sum over `scored_tokens`, the end counted."""

    ids: list[int]
    log_prob: float
    scored_tokens: int


# What a source is given: its best hypothesis, several, or scores.
Answers = TypeVar("Answers")


def covers_search(hparams: HParams, *, tree: bool) -> bool:
    """Whether `best_answers`, or with a `tree` `best_known_answers`, finds what these hyperparameters ask for.

    A length penalty lets a worse hypothesis overtake a better one, and so does all that changes log-probabilities. Of a
    tree the sentences are ranked once they are found.
    """
    plain = hparams.repetition_penalty == 1 and hparams.no_repeat_ngram_size == 0
    if hparams.beams:
        return plain and hparams.coverage_penalty_weight == 0 and (tree or hparams.length_penalty_weight == 0)
    return plain and hparams.infer_mode == "greedy"


def best_answers(
    model: NumpyModel, sources: Sequence[Ids], bounds: Sequence[int], beam_width: int, ends: Ends, batch_size: int = 32
) -> list[Found]:
    """The best hypothesis for each of `sources`, none of which is empty; `beam_width` 0 searches greedily.

    `bounds`: the most tokens of each. At most `batch_size` are searched for together.
    """

    def answer(share: Sequence[int]) -> list[Found]:
        return _Search(model, [sources[i] for i in share], [bounds[i] for i in share], ends, beam_width).run()

    threads = len(sources) * max(1, beam_width) // model.rows_a_thread
    return in_shares([len(source) for source in sources], threads, batch_size, answer)


def in_shares(
    lengths: Sequence[int], threads: int, batch_size: int, answer: Callable[[Sequence[int]], list[Answers]]
) -> list[Answers]:
    """What `answer` finds for each source, given shares of them by number, in which they come by falling length.

    Sources of these `lengths` are shared out, at most `batch_size` together, among at most so many `threads`, and no
    more than this process has cores: NumPy and the compiled kernels let them run at once.
    """
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    threads = max(1, min(_cores(), len(order), threads))
    count = max(threads, -(-len(order) // batch_size))
    shares = [order[k::count] for k in range(count)]  # long and short ones in each
    if threads == 1:
        found = list(map(answer, shares))
    else:
        with ThreadPoolExecutor(threads) as pool:
            found = list(pool.map(answer, shares))
    by_source = dict(zip(chain.from_iterable(shares), chain.from_iterable(found), strict=True))
    return [by_source[i] for i in range(len(order))]


def _cores() -> int:
    """How many cores this process may run on, where the system tells; else how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Live(NamedTuple):
    """The hypotheses that can still win, those of one source side by side.

    `sentences` (N,) numbers of sources, rising; `log_probs` (N,); `ids` (N, tokens so far, the first `<s>`).
    """

    sentences: NDArray[np.intp]
    log_probs: Floats
    ids: NDArray[np.intp]
    state: State


class _Search:
    """Sources by falling length, and the most tokens of each; NumPy's copy of a model, to be asked for answers."""

    def __init__(
        self, model: NumpyModel, sources: Sequence[Ids], bounds: Sequence[int], ends: Ends, beam_width: int
    ) -> None:
        self.model = model
        self.sources = sources
        self.bounds = np.array(bounds)
        self.ends = ends
        self.beam_width = beam_width

    def run(self) -> list[Found]:
        """The best hypothesis for each source."""
        ids, lengths = pad(self.sources)
        # e^x of a gate that is far from 0 may be infinite: then its inverse is the 0 that it should be.
        with np.errstate(over="ignore"):
            state, memory = self.model.encode(ids, lengths.astype(np.int64))
            if self.beam_width:
                return self._search_beams(state, memory)
            return self._search_greedily(np.arange(len(lengths)), state, memory)

    def _search_greedily(self, sentences: NDArray[np.intp], state: State, memory: Memory) -> list[Found]:
        """The likeliest token, again and again, for each of `sentences`; `state` has a row for each of them."""
        ids, said, log_probs = self.model.search_greedily(sentences, self.bounds[sentences], state, memory, self.ends)
        lengths = said - (ids[np.arange(len(said)), said - 1] == self.ends.eos_id)
        return [
            Found(row[:length], log_prob, steps)
            for row, length, log_prob, steps in zip(*(a.tolist() for a in (ids, lengths, log_probs, said)), strict=True)
        ]

    def _search_beams(self, state: State, memory: Memory) -> list[Found]:
        """Beam search without penalties, for its best hypothesis alone.

        Log-probabilities only fall. So one below that of a hypothesis that has ended never wins, nor does what grows
        out of it: it need not be followed, and what it would have pushed out of the beam is below it as well. Once as
        many as there are beams are above the ended one, that and all below it are out of the beam.

        Where the model is sure of its answer, the greedy hypothesis is found first, and is such a bound from then on.
        Where it falls out of the beam, and all that is left is worse, it was none, and the search is done again
        without it.
        """
        every = np.arange(len(self.bounds))
        found = self._follow(every, state, memory, hurry=True)
        lost = np.array([i for i in every.tolist() if i not in found], np.intp)
        if len(lost):
            found |= self._follow(lost, state, memory, hurry=False)
        return [found[i] for i in every.tolist()]

    def _follow(self, sentences: NDArray[np.intp], state: State, memory: Memory, *, hurry: bool) -> dict[int, Found]:
        """The best that ends for each of `sentences`, rising, and stays in the beam; in a `hurry`, if it is not below
        the greedy hypothesis, should that have been asked for. `state` and `memory` have a row for each source.
        """
        best: dict[int, Found] = {}
        room = self.model.room(len(sentences) * self.beam_width)
        # Of each source, what its greedy hypothesis has, once it is known, and what the best that has ended has, too.
        reached = np.full(len(self.bounds), -np.inf, np.float32)
        ended = reached.copy()
        starts = np.full((len(sentences), 1), self.ends.sos_id)
        live = _Live(sentences, np.zeros(len(sentences), np.float32), starts, state[sentences])
        while len(live.sentences):
            step = live.ids.shape[1]
            grown = self._grow(live, memory, ended, room)
            owners = live.sentences[grown.parents]
            for owner in self._without_room(owners, grown, ended) if best else ():
                best.pop(owner, None)
                ended[owner] = reached[owner]
            sure = _sure(owners, grown, step, ended)
            if hurry and len(sure):
                greedy = self._search_greedily(sure, state[sure], memory)
                ended[sure] = reached[sure] = np.array([answer.log_prob for answer in greedy], np.float32) - _SLACK
            stops = (grown.tokens == self.ends.eos_id) | (step >= self.bounds[owners])
            for i in np.flatnonzero(stops & (grown.log_probs >= ended[owners])).tolist():
                owner = int(owners[i])
                if owner not in best or grown.log_probs[i] > ended[owner]:
                    ended[owner] = grown.log_probs[i]
                    best[owner] = self._found(live.ids[grown.parents[i], 1:], grown, i, step)
            live = _continue(live, grown.take(~stops & (grown.log_probs >= ended[owners])))
        return best

    def _without_room(self, owners: NDArray[np.intp], grown: Continuations, ended: Floats) -> list[int]:
        """Sources whose beam is full of continuations that are better than what has ended: that falls out of it."""
        fills = places(owners) == self.beam_width - 1
        lost: list[int] = owners[fills & (grown.log_probs > ended[owners])].tolist()
        return lost

    def _found(self, before: NDArray[np.intp], grown: Continuations, place: int, step: int) -> Found:
        token = int(grown.tokens[place])
        said = [] if token == self.ends.eos_id else [token]
        return Found([*before.tolist(), *said], float(grown.log_probs[place]), step)

    def _grow(self, live: _Live, memory: Memory, ended: Floats, room: Room) -> Continuations:
        """Each source's continuations that belong to its beam, the best first, and none that can't win."""
        vectors = self.model.step(live.ids[:, -1], live.state, memory, live.sentences)
        return room.best(vectors, Hypotheses(live.sentences, live.log_probs), ended, self.beam_width)


def _sure(owners: NDArray[np.intp], grown: Continuations, step: int, ended: Floats) -> NDArray[np.intp]:
    """Sources whose best continuation is of likely tokens, and of which nothing is known yet that ends."""
    likely = owners[grown.log_probs >= _SURE * step]
    return np.unique(likely[ended[likely] == -np.inf]) if len(likely) else likely


def _continue(live: _Live, grown: Continuations) -> _Live:
    ids = np.concatenate([live.ids[grown.parents], grown.tokens[:, np.newaxis]], axis=1)
    return _Live(live.sentences[grown.parents], grown.log_probs, ids, live.state[grown.parents])
