"""The best answers of a `NumpyModel` among the sentences of a tree.

The best is what `beams.beam_search` finds under `constraints.keep_to_tree`, hypothesis for hypothesis. From the second
token on a tree leaves few ways to go, so this is little more work than a greedy search.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.nmt.dataset import pad
from core.nmt.numpy_layers import Floats, Ids, places
from core.nmt.numpy_logits import Room
from core.nmt.numpy_model import Memory, NumpyModel, State
from core.nmt.numpy_search import Found, in_shares
from core.nmt.search import Ends
from core.nmt.target_tree import ROOT, TargetTree


def best_known_answers(
    model: NumpyModel, tree: TargetTree, sources: Sequence[Ids], beam_width: int, ends: Ends, batch_size: int = 32
) -> list[Found]:
    """The best of the tree's sentences for each of `sources`, none of which is empty; `beam_width` 0 is greedy.

    At most `batch_size` sources are searched for together.
    """
    width = max(1, beam_width)  # one beam that keeps its ended hypothesis is a greedy search

    return [found[0] for found in known_n_best(model, tree, sources, 1, (width, batch_size), ends)]


def known_n_best(
    model: NumpyModel, tree: TargetTree, sources: Sequence[Ids], count: int, sizes: tuple[int, int], ends: Ends
) -> list[list[Found]]:
    """At most `count` of the tree's sentences for each of `sources`, the best first, at least one.

    They are those that ended while they were in the beam. `sizes`: its width, no less than `count`, and how many
    sources are searched for together at most.
    """
    width, batch_size = sizes

    def answer(share: Sequence[int]) -> list[list[Found]]:
        return _Search(model, tree, ends, width, count).run([sources[i] for i in share])

    threads = len(sources) * width // model.rows_a_thread
    return in_shares([len(source) for source in sources], threads, batch_size, answer)


class _Live(NamedTuple):
    """The hypotheses that can still win, those of one source side by side.

    `sentences` (N,) numbers of sources, rising; `log_probs` (N,); `nodes` (N,) of the tree, whose last token was
    `tokens` (N,); `state`, a row each.
    """

    sentences: NDArray[np.intp]
    log_probs: Floats
    nodes: NDArray[np.intp]
    tokens: NDArray[np.intp]
    state: State


class _Ended:
    """The best sentences that have ended: of each of B sources n, `log_probs` (B, n) falling, and their `leaves`."""

    def __init__(self, sources: int, count: int) -> None:
        self.log_probs = np.full((sources, count), -np.inf, np.float32)
        self.leaves = np.zeros((sources, count), np.intp)

    def make_room(self, owners: NDArray[np.intp], log_probs: Floats, width: int) -> NDArray[np.bool_]:
        """Forget what falls out of the beam, as so many continuations and ended ones above it fill it.

        `owners` (C,) rising, the sources of continuations with `log_probs` (C,), falling for each source. Which of
        these are in the beam themselves, (C,), as far as those that ended are known.
        """
        ranks = places(owners)
        grown = np.full((len(self.leaves), width), -np.inf, np.float32)
        grown[owners, ranks] = log_probs
        above = (self.log_probs[owners] > log_probs[:, np.newaxis]).sum(1)
        # Above the j-th that ended are j of its kind, so there is room above it for width - 1 - j continuations.
        self.log_probs[grown[:, ::-1][:, : self.log_probs.shape[1]] > self.log_probs] = -np.inf
        stay: NDArray[np.bool_] = ranks + above < width
        return stay

    def add(self, owner: int, log_prob: np.float32, leaf: int) -> None:
        """Take in one that ended, unless as many better ones are there."""
        row, leaves = self.log_probs[owner], self.leaves[owner]
        place = int(np.searchsorted(-row, -log_prob, side="right"))
        if place < len(row):
            row[place + 1 :], leaves[place + 1 :] = row[place:-1].copy(), leaves[place:-1].copy()
            row[place], leaves[place] = log_prob, leaf

    def best(self) -> list[list[tuple[int, float]]]:
        """Of each source the leaves and log-probabilities, the best first."""
        return [
            [(leaf, sum_) for leaf, sum_ in zip(*row, strict=True) if sum_ > -np.inf]
            for row in zip(self.leaves.tolist(), self.log_probs.tolist(), strict=True)
        ]


class _Search:
    """A model, and what it may say."""

    def __init__(self, model: NumpyModel, tree: TargetTree, ends: Ends, beam_width: int, count: int) -> None:
        self._model = model
        self._tree = tree
        self._ends = ends
        self._width = beam_width
        self._count = count

    def run(self, sources: Sequence[Ids]) -> list[list[Found]]:
        """The best sentences for each of `sources`, which come by falling length."""
        ids, lengths = pad(sources)
        count = len(sources)
        # e^x of a gate that is far from 0 may be infinite: then its inverse is the 0 that it should be.
        with np.errstate(over="ignore"):
            state, memory = self._model.encode(ids, lengths.astype(np.int64))
            starts = np.full(count, self._ends.sos_id), np.zeros(count, np.float32)
            live = _Live(np.arange(count), starts[1], np.full(count, ROOT), starts[0], state)
            return self._follow(live, memory)

    def _follow(self, live: _Live, memory: Memory) -> list[list[Found]]:
        """The best that end and stay in the beam. What is below all of them can't join: log-probabilities only fall."""
        count = len(memory.lengths)
        room = self._model.room(count * self._width)
        ended = _Ended(count, self._count)
        while len(live.sentences):
            parents, numbers, log_probs = self._grow(live, memory, room)
            owners = live.sentences[parents]
            stay = ended.make_room(owners, log_probs, self._width)
            tokens = self._tree.tokens[numbers]
            stops = tokens == self._ends.eos_id  # at most one for each hypothesis, the best of a source first
            for i in np.flatnonzero(stops & stay).tolist():
                ended.add(int(owners[i]), log_probs[i], int(numbers[i]))
            on = np.flatnonzero(~stops & stay & (log_probs > ended.log_probs[owners, -1]))
            live = _Live(owners[on], log_probs[on], numbers[on] + 1, tokens[on], live.state[parents[on]])
        return [[self._found(leaf, sum_) for leaf, sum_ in best] for best in ended.best()]

    def _found(self, leaf: int, log_prob: float) -> Found:
        ids = self._tree.sentence(leaf)
        return Found(ids, log_prob, len(ids) + 1)

    def _grow(self, live: _Live, memory: Memory, room: Room) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
        """Each source's continuations that belong to its beam, the best first: of which hypothesis (C,), by which of
        the tree's branches (C,), and their log-probabilities (C,).
        """
        scores = room.scores(self._model.step(live.tokens, live.state, memory, live.sentences))
        before = live.log_probs - scores.log_sums
        parents, numbers = self._tree.branches(live.nodes)
        log_probs = before[parents] + scores.logits[parents, self._tree.tokens[numbers]]
        # Equal ones stay in the order of the beams and of the vocabulary, as in TensorFlow's top_k.
        owners = live.sentences[parents]
        order = np.lexsort((-log_probs, owners))
        kept = order[places(owners[order]) < self._width]
        return parents[kept], numbers[kept], log_probs[kept]
