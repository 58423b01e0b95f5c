"""The sentences that may be said, as a prefix tree: at each node which tokens go on, and where they lead.

A search that keeps to the tree says one of these sentences and nothing else: De Cao et al. (2021), "Autoregressive
Entity Retrieval", section 3.2. The tree knows ids alone, no files and no search.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.nmt.errors import NmtError

Indices = NDArray[np.int64]

ROOT = 0


class TargetTree:
    """A prefix tree in two arrays, which threads may share.

    Branch i is said with `tokens[i]` and leads to node i + 1, as each node but the root has one way to it. The
    branches of node n are those from `first[n]` up to `first[n + 1]`, by rising token. A sentence ends with `eos_id`,
    a token like others, whose branch leads to a node without branches.

    Example: the sentences 5 6 and 5 7, with end token 2, are the branches 5 (from the root), 6 and 7, 2 and 2.
    """

    def __init__(self, sentences: Sequence[Sequence[int]], eos_id: int) -> None:
        """`sentences`: ids without the end token; the same one twice counts once. `NmtError` when there are none."""
        if not sentences:
            raise NmtError("there is no sentence to be said")
        self._eos_id = eos_id
        self.depth = max(map(len, sentences)) + 1  # most tokens of a sentence, its end counted
        lengths = np.array([len(sentence) for sentence in sentences])
        nodes = np.zeros(len(sentences), np.int64)
        parents, tokens = [], []
        count = 1
        # Level by level. Nodes are numbered as they are met, so branches come out sorted by the node they leave.
        for place in range(self.depth):
            reached = np.flatnonzero(lengths >= place)
            said = [sentences[i][place] if lengths[i] > place else eos_id for i in reached.tolist()]
            ways = np.stack([nodes[reached], np.array(said, np.int64)], axis=1)
            branches, which = np.unique(ways, axis=0, return_inverse=True)
            nodes[reached] = count + which.reshape(-1)
            count += len(branches)
            parents.append(branches[:, 0])
            tokens.append(branches[:, 1])
        self.tokens: Indices = np.concatenate(tokens)
        self._parents: Indices = np.concatenate(parents)
        self.first: Indices = np.searchsorted(self._parents, np.arange(count + 1))

    def __contains__(self, sentence: Sequence[int]) -> bool:
        """Whether `sentence`, ids without the end token, is one of those that may be said."""
        node = ROOT
        for token in (*sentence, self._eos_id):
            ways = self.tokens[self.first[node] : self.first[node + 1]]
            place = int(np.searchsorted(ways, token))
            if place == len(ways) or ways[place] != token:
                return False
            node = int(self.first[node]) + place + 1
        return True

    def branches(self, nodes: NDArray[np.integer]) -> tuple[Indices, Indices]:
        """Every branch of `nodes` (N,), in their order: which of them each leaves (C,), and its number (C,)."""
        starts = self.first[nodes]
        counts = self.first[nodes + 1] - starts
        leaves = np.repeat(np.arange(len(nodes)), counts)
        skipped = np.cumsum(counts) - counts
        return leaves, np.arange(len(leaves)) + np.repeat(starts - skipped, counts)

    def sentence(self, leaf: int) -> list[int]:
        """The sentence that ends with branch `leaf`, without the end token."""
        said = []
        node = int(self._parents[leaf])
        while node != ROOT:
            said.append(int(self.tokens[node - 1]))
            node = int(self._parents[node - 1])
        return said[::-1]
