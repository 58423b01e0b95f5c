"""The best answer of a `NumpyModel` among the sentences of a tree.

It finds what `beams.beam_search` finds under `constraints.keep_to_tree`, hypothesis for hypothesis. From the second
token on a tree leaves few ways to go, so this is little more work than a greedy search.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.nmt.dataset import pad
from core.nmt.numpy_layers import Floats, Ids
from core.nmt.numpy_logits import Logits
from core.nmt.numpy_model import Memory, NumpyModel, State
from core.nmt.numpy_search import Found, attend_beams, in_shares, places
from core.nmt.search import Ends
from core.nmt.target_tree import ROOT, TargetTree


def best_known_answers(
    model: NumpyModel, tree: TargetTree, sources: Sequence[Ids], beam_width: int, ends: Ends, batch_size: int = 32
) -> list[Found]:
    """The best of the tree's sentences for each of `sources`, none of which is empty; `beam_width` 0 is greedy.

    At most `batch_size` sources are searched for together.
    """
    width = max(1, beam_width)  # one beam that keeps its ended hypothesis is a greedy search

    def answer(share: Sequence[int]) -> list[Found]:
        return _Search(model, tree, ends, width).run([sources[i] for i in share])

    return in_shares([len(source) for source in sources], width, batch_size, answer)


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


class _Search:
    """A model, and what it may say."""

    def __init__(self, model: NumpyModel, tree: TargetTree, ends: Ends, beam_width: int) -> None:
        self._model = model
        self._tree = tree
        self._ends = ends
        self._width = beam_width

    def run(self, sources: Sequence[Ids]) -> list[Found]:
        """The best sentence for each of `sources`, which come by falling length."""
        ids, lengths = pad(sources)
        count = len(sources)
        # e^x of a gate that is far from 0 may be infinite: then its inverse is the 0 that it should be.
        with np.errstate(over="ignore"):
            state, memory = self._model.encode(ids, lengths.astype(np.int64))
            starts = np.full(count, self._ends.sos_id), np.zeros(count, np.float32)
            live = _Live(np.arange(count), starts[1], np.full(count, ROOT), starts[0], state)
            return self._follow(live, memory)

    def _follow(self, live: _Live, memory: Memory) -> list[Found]:
        """The best that ends and stays in the beam. One that is below it can't win: log-probabilities only fall."""
        count = len(memory.keys)
        logits = Logits(self._model.projection, count * self._width)
        ended = np.full(count, -np.inf, np.float32)
        leaves = np.zeros(count, np.intp)
        while len(live.sentences):
            parents, numbers, log_probs = self._grow(live, memory, logits)
            owners = live.sentences[parents]
            # A beam full of better ones has no room for what has ended.
            ended[owners[(places(owners) == self._width - 1) & (log_probs > ended[owners])]] = -np.inf
            tokens = self._tree.tokens[numbers]
            stops = tokens == self._ends.eos_id  # at most one for each hypothesis, the best of a source first
            for i in np.flatnonzero(stops).tolist():
                if log_probs[i] > ended[owners[i]]:
                    ended[owners[i]], leaves[owners[i]] = log_probs[i], numbers[i]
            on = np.flatnonzero(~stops & (log_probs > ended[owners]))
            live = _Live(owners[on], log_probs[on], numbers[on] + 1, tokens[on], live.state[parents[on]])
        said = map(self._tree.sentence, leaves.tolist())
        return [Found(ids, float(sum_), len(ids) + 1) for ids, sum_ in zip(said, ended, strict=True)]

    def _grow(self, live: _Live, memory: Memory, room: Logits) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
        """Each source's continuations that belong to its beam, the best first: of which hypothesis (C,), by which of
        the tree's branches (C,), and their log-probabilities (C,).
        """
        attend = attend_beams(memory, live.sentences, places(live.sentences))
        logits = room.of(self._model.step(live.tokens, live.state, attend))
        before = live.log_probs - room.log_sum_exp(logits, logits.max(1))
        parents, numbers = self._tree.branches(live.nodes)
        log_probs = before[parents] + logits[parents, self._tree.tokens[numbers]]
        # Equal ones stay in the order of the beams and of the vocabulary, as in TensorFlow's top_k.
        owners = live.sentences[parents]
        order = np.lexsort((-log_probs, owners))
        kept = order[places(owners[order]) < self._width]
        return parents[kept], numbers[kept], log_probs[kept]
