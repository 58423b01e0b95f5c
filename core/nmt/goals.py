"""Training towards answers: pairs that are to be answered word for word, and pairs that must not be lost for it.

Every batch is in part drawn from the goals, and for the rest from the corpus as in any training, so that what was
learned before is rehearsed: Robins (1995), "Catastrophic forgetting, rehearsal and pseudorehearsal". What is lost all
the same is found by asking for it, and becomes a goal. A goal is reached when the first member gets it right with the
whole question, and so do all `readings` that are made of it when the model is served. Of what is to be kept the first
member is asked alone, once: all readings would take longer than the training.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from core.nmt.dataset import Corpus, Ids, TrainingData, cut_batch, join_corpora
from core.nmt.decoding import Decoder, ranking, readings
from core.nmt.hparams import HParams
from core.nmt.model import Batch, Seq2Seq, batch_signature
from core.nmt.numpy_search import covers_search
from core.nmt.ranking import Ranked
from core.nmt.search import Ends
from core.nmt.target_tree import TargetTree

# How many times as often a goal that was missed is drawn as one that was reached.
_MISSED_WEIGHT = 4.0

# Checks of the goals alone between two of everything that is to be kept, while not all goals are reached.
_CHECKS_A_SURVEY = 5

# Pairs that are looked at together.
_SURVEYED = 128

Rows = NDArray[np.int64]


class GoalSettings(NamedTuple):
    """`--goal_share`, `--steps_per_goal_check` and `--max_lost`."""

    share: float = 0.25
    steps_per_check: int = 20
    max_lost: float = 0.0


class Check(NamedTuple):
    """What asking came to: so many `learned` of `goals`, and `lost` of `kept` pairs, where those were asked too."""

    learned: int
    goals: int
    lost: int | None
    kept: int

    def values(self) -> dict[str, int]:
        """The numbers by name, for the log."""
        found = {"learned": self.learned, "goals": self.goals, "kept": self.kept}
        return found if self.lost is None else {**found, "lost": self.lost}

    @property
    def rank(self) -> tuple[int, int]:
        """Greater is better: more goals, then fewer losses."""
        return self.learned, -(self.lost or 0)


class Goals:
    """Batches on the way to the goals, and whether they are reached.

    All pairs lie in one corpus, those to rehearse first, then the goals, then those to keep; a pair is a row of it.
    """

    def __init__(
        self,
        model: Seq2Seq,
        ends: Ends,
        train: Corpus,
        goals: Corpus,
        keep: Corpus | None,
        tree: TargetTree | None = None,
    ) -> None:
        """`tree` holds all that may be answered, None anything."""
        self._model = model
        self._ends = ends
        self._tree = tree
        self._corpus = join_corpora([train, goals, *([keep] if keep else [])])
        self._goals = np.arange(len(goals)) + len(train)
        self._keep = np.arange(len(keep) if keep else 0) + len(train) + len(goals)
        self._train = train
        self._sources, self._targets = self._corpus.sources(), self._corpus.targets()
        self._missed = set(self._goals.tolist())
        self._lost: set[int] = set()  # every pair to keep that was lost at some time
        self._checks = 0
        self._hparams = replace(model.hparams, infer_batch_size=_SURVEYED)
        self._once = replace(self._hparams, leave_one_out=0.0, members=1)
        self._readings = readings(self._hparams, tree)
        self._doubtful: set[int] = set()  # pairs to keep that are right, but may not be once they are read again
        # One for each way of asking: what they compile serves every check.
        self._slow = {asked: Decoder(model, asked, ends, tree=tree) for asked in (self._hparams, self._once)}
        signature = batch_signature(model.hparams)
        self._log_probs = tf.function(self._sentence_log_probs, input_signature=signature, autograph=False)

    def batches(self, step: int, hparams: HParams, share: float) -> Iterator[tuple[Ids, ...]]:
        """Batches as `model.Batch` tuples without end, for steps from `step` on; what they hold follows the checks."""
        count = max(1, min(hparams.batch_size - 1, round(share * hparams.batch_size)))
        rest = TrainingData(self._train, replace(hparams, batch_size=hparams.batch_size - count))
        ends = {"sos_id": self._ends.sos_id, "eos_id": self._ends.eos_id}
        for number, rows in enumerate(rest.rows_from(step), start=step):
            draw = np.random.Generator(np.random.Philox(key=[hparams.random_seed + 1, number]))
            yield cut_batch(self._corpus, np.concatenate([rows, self._draw(draw, count)]), **ends)

    def _draw(self, draw: np.random.Generator, count: int) -> Rows:
        """`count` goals, those that were missed more often than others, none twice; fewer when there are fewer."""
        rows = np.array(sorted({*self._goals.tolist(), *self._lost}))
        weights = np.where(np.isin(rows, sorted(self._missed)), _MISSED_WEIGHT, 1.0)
        chosen: Rows = draw.choice(rows, min(count, len(rows)), replace=False, p=weights / weights.sum())
        return chosen

    def check(self, max_lost: float, *, survey: bool | None = None) -> Check:
        """Ask the goals, and what is to be kept when they are reached, or a while has passed.

        A `survey` of what is to be kept takes long: it may be called for, or ruled out.
        """
        self._checks += 1
        asked = np.array(sorted({*self._goals.tolist(), *self._lost}))
        self._missed = self._wrong(asked)
        allowed = int(max_lost * len(self._keep))
        learned = len(self._goals) - sum(row in self._missed for row in self._goals.tolist())
        near = learned == len(self._goals) and len(self._missed) <= allowed
        if survey is False or not (near or survey or self._checks % _CHECKS_A_SURVEY == 0):
            return Check(learned, len(self._goals), None, len(self._keep))
        rest = np.array([row for row in self._keep.tolist() if row not in self._lost], np.int64)
        answers = self._answers(self._unsure(rest).tolist(), self._once)
        wrong = self._wrong_of(answers)
        # To read all of these again takes longer than to learn the goals: whoever judges the model asks them.
        self._doubtful = self._doubted(answers) - wrong
        lost = wrong | {row for row in self._missed if row in self._lost}
        self._lost |= lost
        self._missed |= lost
        return Check(learned, len(self._goals), len(lost), len(self._keep))

    def lost(self) -> list[int]:
        """The numbers of the pairs to keep, in the order of their file, that the last survey found lost.

        Also of those that the first member gets right with the whole question, but all readings of it might not.
        """
        first = len(self._train) + len(self._goals)
        return sorted(row - first for row in self._missed | self._doubtful if row >= first)

    def reached(self, check: Check, max_lost: float) -> bool:
        """Whether training may end with what a check found."""
        return check.learned == check.goals and check.lost is not None and check.lost <= int(max_lost * check.kept)

    def _unsure(self, rows: Rows) -> Rows:
        """Those of `rows` that have to be asked to know what is answered.

        A sentence that no other can be ranked above is found by every search, and no member is asked about it again.
        How likely it is takes one step for all its tokens, where searching for it takes one for each.
        """
        if not covers_search(self._model.hparams, tree=self._tree is not None):
            return rows
        unsure = [row for row in rows.tolist() if row not in self._fitting]
        asked = sorted(self._fitting.intersection(rows.tolist()), key=lambda row: len(self._targets[row]))
        for at in range(0, len(asked), _SURVEYED):
            part = np.array(asked[at : at + _SURVEYED])
            log_probs = self._log_probs(*cut_batch(self._corpus, part, **self._ends._asdict())).numpy()
            sure = ranking(self._hparams, self._tree).sure(log_probs, [len(self._targets[row]) + 1 for row in part])
            unsure += part[~sure].tolist()
        return np.array(unsure, np.int64)

    @cached_property
    def _fitting(self) -> frozenset[int]:
        return frozenset(row for row in self._keep.tolist() if self._fits(row))

    def _fits(self, row: int) -> bool:
        """Whether a search reads and may say all of a pair: what is not in the tree never comes, however likely."""
        hparams = self._model.hparams
        reads = hparams.src_max_len_infer is None or len(self._sources[row]) <= hparams.src_max_len_infer
        if self._tree:
            return reads and self._targets[row].tolist() in self._tree
        return reads and len(self._targets[row]) < (hparams.tgt_max_len_infer or 0)

    def _sentence_log_probs(self, *batch: tf.Tensor) -> tf.Tensor:
        """A `model.Batch` → log p of each target, its end token counted, (B,), float32."""
        rows = Batch(*batch)
        size = tf.shape(rows.target_output_ids)
        real = tf.transpose(tf.sequence_mask(rows.target_lengths, size[1]))  # (T, B), as the losses come
        owners = tf.boolean_mask(tf.tile(tf.range(size[0])[tf.newaxis], (size[1], 1)), real)
        return -tf.math.unsorted_segment_sum(self._model.token_losses(rows), owners, size[0])

    def _wrong(self, rows: Rows) -> set[int]:
        """Those of `rows` that are not answered word for word."""
        answers = self._answers(rows.tolist(), self._once)
        wrong = self._wrong_of(answers)
        # Most of what is missed is in doubt: only what the whole source gets right is read again.
        doubtful = sorted(self._doubted(answers) - wrong)
        return wrong | self._wrong_of(self._answers(doubtful, self._hparams))

    def _answers(self, rows: Sequence[int], hparams: HParams) -> dict[int, Ranked]:
        """What is answered to those of `rows` that have a source."""
        rows = [row for row in rows if len(self._sources[row])]
        if not rows:
            return {}
        # A frozen decoder works with a copy of the weights, which have changed since the last time.
        decoder = Decoder(self._model, hparams, self._ends, frozen=True, tree=self._tree)
        decoder = decoder if decoder.is_quick else self._slow[hparams]
        return dict(zip(rows, decoder.decode_best([self._sources[row] for row in rows]), strict=True))

    def _doubted(self, answers: Mapping[int, Ranked]) -> set[int]:
        """The rows whose source further readings may give another answer."""
        longest = self._hparams.src_max_len_infer
        return {row for row, best in answers.items() if self._readings.doubt(self._sources[row][:longest], best)}

    def _wrong_of(self, answers: Mapping[int, Ranked]) -> set[int]:
        """The rows that are not answered word for word."""
        return {row for row, answer in answers.items() if not self._is(answer.ids, row)}

    def _is(self, ids: Sequence[int], row: int) -> bool:
        return np.array_equal(ids, self._targets[row])
