"""Many sentences through a model: batches, bounds, and the search that the hyperparameters name."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from core.nmt.beams import BeamSettings, beam_search, repeat_rows
from core.nmt.compiled_model import quick_model
from core.nmt.constraints import FORBIDDEN, Constrained, Constraints, Sizes, constrain
from core.nmt.dataset import Ids, pad
from core.nmt.errors import NmtError
from core.nmt.hparams import HParams
from core.nmt.model import SearchState, Seq2Seq, Start
from core.nmt.numpy_model import NumpyModel, covers
from core.nmt.numpy_search import Found, best_answers, covers_search
from core.nmt.numpy_tree_search import best_known_answers, known_n_best
from core.nmt.ranking import Ranked, Ranking
from core.nmt.readings import Readings, reread
from core.nmt.sampling import Sampling, sample_search
from core.nmt.search import Alignments, Decoded, Ends, State, greedy_search
from core.nmt.target_tree import TargetTree
from core.nmt.vocab import EOS_ID, SOS_ID

_USUAL_ENDS = Ends(SOS_ID, EOS_ID)

# A greeting of one token may have a whole sentence for its answer.
_SHORTEST_BOUND = 10


# What is answered where no sentence of a tree keeps to the other constraints.
_NOTHING = Ranked([], -math.inf, 0, -math.inf)


def ranking(hparams: HParams, tree: TargetTree | None) -> Ranking:
    """How the sentences of a tree are ranked; what is found without one keeps the order of its search."""
    return Ranking(hparams.length_penalty_weight, tree.depth) if tree and hparams.beams else Ranking()


def readings(hparams: HParams, tree: TargetTree | None) -> Readings:
    """Which further readings of a source count: none but for beams among the sentences of a tree."""
    if not (tree and hparams.beams > 1):
        return Readings(0.0, ranking(hparams, tree))
    return Readings(hparams.leave_one_out, ranking(hparams, tree), hparams.members)


class Decoder:
    """Source ids → hypotheses, through one compiled function that keeps nothing between calls.

    Raises `NmtError` when the hyperparameters ask for what the model hasn't.
    """

    def __init__(
        self,
        model: Seq2Seq,
        hparams: HParams,
        ends: Ends = _USUAL_ENDS,
        *,
        keep_alignments: bool = False,
        frozen: bool = False,
        tree: TargetTree | None = None,
    ) -> None:
        """`hparams` say how is decoded; `ends` are the target vocabulary's; a `tree` holds all that may be said.

        The weights of a `frozen` model never change again, so `decode_best` may work with a copy.
        """
        _check(model, hparams, keep_alignments)
        quick = frozen and covers(model.hparams) and covers_search(hparams, tree=tree is not None)
        self._quick = quick_model(model) if quick else None
        self._hparams = hparams
        self._model = model
        self._ends = ends
        self._keep_alignments = keep_alignments
        self._tree = tree
        weight = 0.0 if tree else hparams.length_penalty_weight
        self._beams = BeamSettings(hparams.beams, weight, hparams.coverage_penalty_weight)
        self._ranking = ranking(hparams, tree)
        self._readings = readings(hparams, tree)
        # `hparams` may be for the model alone, whatever its members.
        self._others = [
            Decoder(other, replace(hparams, members=1), ends, keep_alignments=keep_alignments, frozen=frozen, tree=tree)
            for other in model.others[: self._readings.members - 1]
        ]
        self._constraints = Constraints(hparams.repetition_penalty, hparams.no_repeat_ngram_size, tree)
        rank = 3 if model.hparams.use_char_encode else 2
        self._search = tf.function(
            self._search_batch,
            input_signature=[
                tf.TensorSpec((None,) * rank, tf.int32),
                tf.TensorSpec((None,), tf.int32),
                tf.TensorSpec((None,), tf.int32),
                tf.TensorSpec((None, None), tf.float32),
            ],
            autograph=False,
        )
        self._meanings = tf.function(
            model.meanings,
            input_signature=[tf.TensorSpec((None,) * rank, tf.int32), tf.TensorSpec((None,), tf.int32)],
            autograph=False,
        )

    @property
    def is_quick(self) -> bool:
        """Whether `decode_best` works with a copy of the weights, which is sooner than the compiled function."""
        return self._quick is not None

    @property
    def answers_per_source(self) -> int:
        """How many hypotheses each source has."""
        return self._beams.width or self._draws

    def decode(self, sources: Sequence[Ids]) -> list[list[Ranked]]:
        """For each row of source ids its hypotheses, best first, bounded by its own length and by nothing else.

        There are none where a search comes to no sentence of the tree that keeps to the other constraints.
        Rows of like length are decoded together, and a row's hypotheses do not depend on the others.
        """
        rows = [self._cut(source) for source in sources]
        return self._read_again(rows, self._decode_once(rows))

    def _decode_once(self, sources: Sequence[Ids]) -> list[list[Ranked]]:
        order = sorted(range(len(sources)), key=lambda i: len(sources[i]))
        results: list[list[Ranked]] = [[] for _ in sources]
        for at in range(0, len(order), self._hparams.infer_batch_size):
            chunk = order[at : at + self._hparams.infer_batch_size]
            rows = [sources[i] for i in chunk]
            bounds = [self._own_bound(row) for row in rows]
            for i, ranked in zip(chunk, self._decode_batch(rows, bounds), strict=True):
                results[i] = ranked
        return results

    def _read_again(self, rows: Sequence[Ids], found: list[list[Ranked]]) -> list[list[Ranked]]:
        """What was found, ranked by all readings of each row where the hyperparameters ask for them."""
        if not self._readings.some:
            return found
        searches = [one._decode_once for one in (self, *self._others)]
        return reread(rows, found, self._beams.width, self._readings, searches)

    def decode_best(self, sources: Sequence[Ids]) -> list[Ranked]:
        """The first of the hypotheses that `decode` finds for each row, sooner; an empty one of no probability where it
        finds none. No row may be empty.
        """
        if self._quick is None or not sources:
            return [ranked[0] if ranked else _NOTHING for ranked in self.decode(sources)]
        if self._tree:
            return [some[0] for some in self._some_known(self._quick, self._tree, sources, 1)]
        rows = [self._cut(source) for source in sources]
        bounds = [self._own_bound(row) for row in rows]
        width, size = self._beams.width, self._hparams.infer_batch_size
        return [self._ranked(found) for found in best_answers(self._quick, rows, bounds, width, self._ends, size)]

    def _some_known(
        self, quick: NumpyModel, tree: TargetTree, sources: Sequence[Ids], count: int
    ) -> list[list[Ranked]]:
        """At most `count` of the tree's sentences for each source, best first, by all its readings if they count."""
        rows = [self._cut(source) for source in sources]
        if not self._readings.some:
            return self._known_once(quick, tree, rows, count)
        width = self._beams.width
        found = self._known_once(quick, tree, rows, width)
        models = [quick, *(other._quick for other in self._others if other._quick)]
        # What is left of an unsure source is seldom sure: a greedy search would only come on top.
        searches = [partial(self._by_beams, model, tree, count=width) for model in models]
        return reread(rows, found, count, self._readings, searches)

    def _known_once(self, quick: NumpyModel, tree: TargetTree, rows: Sequence[Ids], count: int) -> list[list[Ranked]]:
        """At most `count` of the tree's sentences for each row, best first; one, greedily found, where that is surely
        what beams would find best too.
        """
        size, ranking = self._hparams.infer_batch_size, self._ranking
        likely = best_known_answers(quick, tree, rows, 0, self._ends, size)
        found = [[self._ranked(one)] for one in likely]
        sure = ranking.sure([one.log_prob for one in likely], [one.scored_tokens for one in likely])
        unsure = np.flatnonzero(~sure).tolist() if self._beams.width > 1 else []
        if unsure:
            better = self._by_beams(quick, tree, [rows[i] for i in unsure], count)
            for i, some in zip(unsure, better, strict=True):
                found[i] = some
        return found

    def _by_beams(self, quick: NumpyModel, tree: TargetTree, rows: Sequence[Ids], count: int) -> list[list[Ranked]]:
        """At most `count` of those of the tree's sentences for each row that beams find, best first."""
        width, size = self._beams.width, self._hparams.infer_batch_size
        # What is to be ranked anew has to be found first, all of it.
        searched = width if self._ranking.weight else min(count, width)
        found = known_n_best(quick, tree, rows, searched, (width, size), self._ends)
        return [sorted(map(self._ranked, some), key=_by_score)[:count] for some in found]

    def decode_some(self, sources: Sequence[Ids], count: int) -> list[list[Ranked]]:
        """At most `count` hypotheses for each row, best first, of which the first is that of `decode_best`.

        There are several where a tree holds what may be said, or the compiled function searches with beams; a row that
        a tree's greedy search is sure of has that one alone. No row may be empty.
        """
        if self._quick is None or not sources:
            return [ranked[:count] for ranked in self.decode(sources)]
        if not self._tree:
            return [[one] for one in self.decode_best(sources)]
        return self._some_known(self._quick, self._tree, sources, count)

    def warm_up(self, source: Ids) -> None:
        """Compile what has to be, of every member, so that the first answer does not wait for it."""
        for one in (self, *self._others):
            one.decode_best([source])
        self.meanings([source])

    def meanings(self, sources: Sequence[Ids]) -> NDArray[np.float32]:
        """What the encoder reads each source as, (N, M), see `Seq2Seq.meanings`. No source may be empty."""
        order = sorted(range(len(sources)), key=lambda i: -len(sources[i]))
        found = []
        for at in range(0, len(order), self._hparams.infer_batch_size):
            ids, lengths = pad([self._cut(sources[i]) for i in order[at : at + self._hparams.infer_batch_size]])
            if self._quick:
                found.append(self._quick.meanings(ids, lengths.astype(np.int64)))
            else:
                found.append(self._meanings(tf.constant(ids), tf.constant(lengths)).numpy())
        places = np.argsort(np.array(order, np.intp))
        return np.concatenate(found)[places] if found else np.zeros((0, 0), np.float32)

    def decode_best_in_order(self, sources: Sequence[Ids]) -> Iterator[list[list[Ranked]]]:
        """The first of the hypotheses that `decode_in_order` finds, sooner where the bound is a tree's own."""
        if not (self.is_quick and self._tree):
            yield from self.decode_in_order(sources)
            return
        for at in range(0, len(sources), self._hparams.infer_batch_size):
            batch = sources[at : at + self._hparams.infer_batch_size]
            answered = iter(self.decode_best([source for source in batch if len(source)]))
            yield [[next(answered)] if len(source) else [] for source in batch]

    def decode_in_order(self, sources: Sequence[Ids]) -> Iterator[list[list[Ranked]]]:
        """What `decode` finds, batch by batch of `infer_batch_size` as they come, bounded as tensorflow/nmt does it.

        There a hypothesis may be twice as long as the longest source of its batch, so batches are part of the result.
        A source without tokens has no hypothesis where there is attention, which has nothing to look at; there the
        original gives up. Without attention it answers one like any other.
        """
        for at in range(0, len(sources), self._hparams.infer_batch_size):
            rows = [self._cut(source) for source in sources[at : at + self._hparams.infer_batch_size]]
            bound = self._bound or 2 * max(len(row) for row in rows)
            answered = [i for i, row in enumerate(rows) if bound and (len(row) or not self._model.hparams.attention)]
            results: list[list[Ranked]] = [[] for _ in rows]
            decoded = self._decode_batch([rows[i] for i in answered], [bound] * len(answered)) if answered else []
            for i, ranked in zip(answered, decoded, strict=True):
                results[i] = ranked
            yield self._read_again(rows, results)

    @property
    def _draws(self) -> int:
        """How often each source is decoded."""
        return self._hparams.num_translations_per_input if self._hparams.infer_mode == "sample" else 1

    @property
    def _bound(self) -> int | None:
        """The most tokens of a hypothesis, where that is not for the source to say: the tree's sentences stay whole."""
        return self._tree.depth if self._tree else self._hparams.tgt_max_len_infer

    def _own_bound(self, row: Ids) -> int:
        return self._bound or max(_SHORTEST_BOUND, 2 * len(row))

    def _cut(self, row: Ids) -> Ids:
        return row[: self._hparams.src_max_len_infer]

    def _decode_batch(self, rows: Sequence[Ids], bounds: Sequence[int]) -> list[list[Ranked]]:
        """`bounds`: the most tokens of each row's hypotheses."""
        draws = self._draws
        rows = [row for row in rows for _ in range(draws)]
        bounds = [bound for bound in bounds for _ in range(draws)]
        numbers = np.zeros((len(rows), 0), np.float32)
        if self._hparams.infer_mode == "sample":
            longest = max(bounds)
            seed = self._hparams.random_seed
            numbers = np.stack([_numbers(seed, row, i % draws, longest) for i, row in enumerate(rows)])
        ids, lengths = pad(rows)
        decoded = self._search(*map(tf.constant, (ids, lengths, np.array(bounds, np.int32), numbers)))
        backwards = self._model.hparams.source_reverse  # from the last token to the first
        places = [slice(n - 1, None, -1) if backwards and n else slice(n) for n in lengths.tolist()]
        ranked = _ranked(decoded, places, bounds)
        ranked = [self._rank_known(row) for row in ranked] if self._tree else ranked
        return [[one for row in ranked[i : i + draws] for one in row] for i in range(0, len(ranked), draws)]

    def _rank_known(self, found: Sequence[Ranked]) -> list[Ranked]:
        """The sentences of a tree that a search found, the best first."""
        # Of fewer sentences than beams the rest are none.
        found = [one for one in found if one.log_prob > FORBIDDEN / 2]
        if not self._ranking.weight:
            return found
        # What the search has put on top of the log-probability is the coverage penalty.
        scores = (self._ranking.score(one.log_prob, one.scored_tokens) + one.score - one.log_prob for one in found)
        return sorted((one._replace(score=score) for one, score in zip(found, scores, strict=True)), key=_by_score)

    def _ranked(self, found: Found) -> Ranked:
        score = self._ranking.score(found.log_prob, found.scored_tokens)
        return Ranked(found.ids, found.log_prob, found.scored_tokens, score=score)

    def _search_batch(self, ids: tf.Tensor, lengths: tf.Tensor, bounds: tf.Tensor, numbers: tf.Tensor) -> Decoded:
        start = self._model.encode(ids, lengths)
        if self._beams.width:
            start = Start(*repeat_rows(start, self._beams.width))
        rows = tf.size(bounds) * max(1, self._beams.width)
        keep = self._keep_alignments or (self._beams.width > 0 and self._beams.coverage_penalty_weight != 0)
        step_fn, state = constrain(
            self._model.step_fn(start.memory, keep_alignments=keep),
            SearchState(start.state, tf.zeros((rows, tf.shape(ids)[1])) if keep else ()),
            self._constraints,
            Sizes(rows, self._model.projection.shape[1], tf.reduce_max(bounds)),
        )
        search = (step_fn, state, bounds, self._ends)
        alignments: Alignments | None = _alignments if keep else None
        if self._beams.width:
            return beam_search(*search, self._beams, alignments)
        if self._hparams.infer_mode == "sample":
            hparams = self._hparams
            sampling = Sampling(hparams.sampling_temperature, hparams.top_k, hparams.top_p)
            return sample_search(*search, (sampling, numbers), alignments)
        return greedy_search(*search, alignments)


def _by_score(one: Ranked) -> float:
    return -one.score


def _check(model: Seq2Seq, hparams: HParams, keep_alignments: bool) -> None:
    if model.hparams.attention:
        return
    if hparams.beams and hparams.coverage_penalty_weight:
        raise NmtError("--coverage_penalty_weight needs a model with --attention: this one looks at no source token")
    if keep_alignments:
        raise NmtError("--alignments_output_file needs a model with --attention: this one looks at no source token")


def _alignments(state: State) -> tf.Tensor:
    while isinstance(state, Constrained):
        state = state.inner
    return state.alignments


def _numbers(seed: int, row: Ids, draw: int, count: int) -> NDArray[np.float32]:
    """What decides a row's draws: the same for the same source, wherever it stands and whatever stands beside it."""
    name = f"{seed} {draw} ".encode() + np.ascontiguousarray(row, "<i4").tobytes()
    key = int.from_bytes(hashlib.blake2b(name, digest_size=16).digest(), "little")
    return np.random.Generator(np.random.Philox(key=key)).random(count, np.float32)


def _ranked(decoded: Decoded, sources: Sequence[slice], bounds: Sequence[int]) -> list[list[Ranked]]:
    """`sources`: where the alignments of each row's source tokens lie."""
    ids, lengths, log_probs, scores = (tensor.numpy() for tensor in decoded[:4])
    alignments = None if decoded.alignments is None else decoded.alignments.numpy()

    def hypothesis(b: int, k: int) -> Ranked:
        n = int(lengths[b, k])
        return Ranked(
            ids=ids[b, k, :n].tolist(),
            log_prob=float(log_probs[b, k]),
            scored_tokens=min(n + 1, bounds[b]),
            score=float(scores[b, k]),
            alignments=None if alignments is None else alignments[b, k, :n, sources[b]],
        )

    return [[hypothesis(b, k) for k in range(lengths.shape[1])] for b in range(len(lengths))]
