"""Beam search against a step function, step by step as TensorFlow 1's `BeamSearchDecoder` does it. It knows no model.

From the same log-probabilities it gives that decoder's hypotheses in that decoder's order, so its habits are kept:

- An ended hypothesis stays among the beams and can be overtaken. The step at which it ends scores it by its length
  without the end token, every later step by its length with it; so its score changes once more after its end.
- The coverage penalty is added to hypotheses that had ended before the step, so that a hypothesis has none while it
  grows and at the step at which it ends. A source token that got no attention at all, as padding, costs nothing.
- Of equal scores that of the lower beam comes first, then that of the lower token id.
- A row's order is that of the step at which its last beam ended. The original goes on reordering it while other rows
  of the batch grow, but reads its hypotheses back from that step (`gather_tree` with `max_sequence_lengths`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from core.nmt.search import Alignments, Decoded, Ends, State, StepFn, lengths_of, step_arrays


class BeamSettings(NamedTuple):
    """How wide the search is, and what its scores count beside the log-probability."""

    width: int
    length_penalty_weight: float = 0.0
    coverage_penalty_weight: float = 0.0

    @property
    def penalized(self) -> bool:
        """Whether scores are anything but log-probabilities."""
        return self.length_penalty_weight != 0 or self.coverage_penalty_weight != 0


class Beams(NamedTuple):
    """The search between two tokens, for B rows of K beams.

    `log_probs`, `scores` float32, `finished` bool and `lengths` int32, the end token counted: (B, K).
    `path` (B, K, T so far) holds how each hypothesis came about: the token times K, plus the beam that it continued.
    `coverage` (B, K, S): the attention that each source token got so far; `()` where it does not count.
    `state`: the step function's, its rows B·K.
    """

    log_probs: tf.Tensor
    scores: tf.Tensor
    finished: tf.Tensor
    lengths: tf.Tensor
    path: tf.Tensor
    coverage: tf.Tensor | tuple[()]
    state: State


def beam_search(
    step_fn: StepFn,
    state: State,
    max_lengths: tf.Tensor,
    ends: Ends,
    settings: BeamSettings,
    alignments: Alignments | None = None,
) -> Decoded:
    """The hypotheses of the best scores of each row.

    `step_fn` and `state` have a row for each of the B·K beams, those of one input beside each other (`repeat_rows`).
    A row ends when all its beams have, or after `max_lengths` (B,) tokens, at least one of which is above 0.
    With a coverage penalty `alignments` must be given.
    """
    beams = _first_beams(state, max_lengths, settings, alignments)
    start = tf.fill((tf.size(max_lengths) * settings.width,), ends.sos_id)

    def body(t: tf.Tensor, ids: tf.Tensor, beams: Beams, written: tuple[Any, ...]) -> tuple[Any, ...]:
        log_probs, state = step_fn(ids, beams.state)
        seen = None if alignments is None else alignments(state)
        beams, ids = grow_beams(beams._replace(state=state), log_probs, settings, ends.eos_id, seen)
        written = tuple(array.write(t, seen) for array in written)
        t += 1
        return t, ids, beams._replace(finished=beams.finished | (t >= max_lengths)[:, tf.newaxis]), written

    shapes = tf.nest.map_structure(lambda x: x.shape, beams)
    _, _, beams, written = tf.while_loop(
        lambda t, ids, beams, _: ~tf.reduce_all(beams.finished),
        body,
        (tf.constant(0), start, beams, () if alignments is None else step_arrays((tf.float32,))),
        shape_invariants=(
            tf.TensorShape(()),
            start.shape,
            shapes._replace(path=tf.TensorShape((None, settings.width, None))),
            () if alignments is None else (tf.TensorShape(None),),
        ),
    )
    return _hypotheses(beams, ends.eos_id, written)


def grow_beams(
    beams: Beams, log_probs: tf.Tensor, settings: BeamSettings, eos_id: int, seen: tf.Tensor | None = None
) -> tuple[Beams, tf.Tensor]:
    """One token more: of K·V continuations keep the K of the best score; the new beams, and their tokens (B·K,).

    `log_probs` (B·K, V) are the step's, `seen` (B·K, S) its alignments; `beams.state` is the step's too.
    """
    shape = (-1, settings.width, log_probs.shape[1] or tf.shape(log_probs)[1])
    totals = beams.log_probs[:, :, tf.newaxis] + freeze_finished(tf.reshape(log_probs, shape), beams.finished, eos_id)
    coverage: tf.Tensor | tuple[()] = ()
    if settings.coverage_penalty_weight:
        coverage = cover(beams, seen)
    scores = _scores(totals, beams, coverage, settings, eos_id)
    flat = (-1, settings.width * shape[2])
    best_scores, best = tf.math.top_k(tf.reshape(scores, flat), k=settings.width)
    if settings.penalized:
        best_scores, best = _keep_ended_rows(beams, best_scores, best, shape[2], eos_id)
    parent, token = best // shape[2], best % shape[2]
    # Numbers of rows among the B·K.
    rows = tf.reshape(parent + settings.width * tf.range(tf.shape(parent)[0])[:, tf.newaxis], (-1,))

    def of_parent(x: tf.Tensor) -> tf.Tensor:
        return tf.gather(x, parent, batch_dims=1)

    finished = of_parent(beams.finished)
    grown = Beams(
        log_probs=tf.gather(tf.reshape(totals, flat), best, batch_dims=1) if settings.penalized else best_scores,
        scores=best_scores,
        finished=finished | (token == eos_id),
        lengths=of_parent(beams.lengths) + tf.cast(~finished, tf.int32),
        path=tf.concat([of_parent(beams.path), (token * settings.width + parent)[:, :, tf.newaxis]], 2),
        coverage=of_parent(coverage) if settings.coverage_penalty_weight else (),
        state=tf.nest.map_structure(lambda x: tf.ensure_shape(tf.gather(x, rows), x.shape), beams.state),
    )
    return grown, tf.reshape(token, (-1,))


def freeze_finished(log_probs: tf.Tensor, finished: tf.Tensor, eos_id: int) -> tf.Tensor:
    """`log_probs` (B, K, V) where a beam that is `finished` (B, K) can only go on with the end token, for nothing."""
    only_end = tf.one_hot(eos_id, tf.shape(log_probs)[-1], on_value=0.0, off_value=tf.float32.min)
    return tf.where(finished[:, :, tf.newaxis], only_end, log_probs)


def cover(beams: Beams, seen: tf.Tensor) -> tf.Tensor:
    """The attention that each source token got, with that of this step, `seen` (B·K, S), by beams that still grow."""
    growing = tf.cast(~beams.finished, tf.float32)[:, :, tf.newaxis]
    return beams.coverage + tf.reshape(seen, tf.shape(beams.coverage)) * growing


def length_penalty(lengths: tf.Tensor, weight: float) -> tf.Tensor:
    """((5 + length) / 6)^weight: Wu et al. (2016), "Google's Neural Machine Translation System", Eq. 14.

    The powers are divided, not the power taken of a quotient, because the original does so: the last bit decides ties.
    """
    return (5.0 + tf.cast(lengths, tf.float32)) ** weight / tf.constant(6.0) ** weight


def coverage_penalty(coverage: tf.Tensor) -> tf.Tensor:
    """Σ log min(attention that a source token got, 1), of `coverage` (B, K, S) → (B, K): Wu et al. (2016), Eq. 14.

    What got exactly none, such as padding, is left out; the paper would count it as minus infinity.
    """
    counted = tf.where(coverage == 0.0, 1.0, coverage)
    return tf.reduce_sum(tf.math.log(tf.minimum(counted, 1.0)), -1)


def repeat_rows(state: State, count: int) -> State:
    """Every row of every tensor of `state` `count` times, the copies beside each other."""
    return tf.nest.map_structure(lambda x: tf.repeat(x, count, axis=0), state)


def _first_beams(state: State, max_lengths: tf.Tensor, settings: BeamSettings, alignments: Alignments | None) -> Beams:
    """All beams of a row are alike before the first token: only the first may be continued, the others count as ended.

    They are seen again only where the vocabulary has fewer tokens than the search has beams.
    """
    shape = (tf.size(max_lengths), settings.width)
    first = tf.broadcast_to(tf.range(settings.width) == 0, shape)
    coverage: tf.Tensor | tuple[()] = ()
    if settings.coverage_penalty_weight and alignments is not None:
        seen = alignments(state)
        coverage = tf.zeros((*shape, tf.shape(seen)[1]))
    log_probs = tf.where(first, 0.0, -float("inf"))
    return Beams(
        log_probs=log_probs,
        scores=log_probs,
        finished=~first | (max_lengths <= 0)[:, tf.newaxis],
        lengths=tf.zeros(shape, tf.int32),
        path=tf.zeros((*shape, 0), tf.int32),
        coverage=coverage,
        state=state,
    )


def _scores(
    totals: tf.Tensor, beams: Beams, coverage: tf.Tensor | tuple[()], settings: BeamSettings, eos_id: int
) -> tf.Tensor:
    """What continuations (B, K, V) are ranked by: Wu et al. (2016), Eq. 14, with the habits named above."""
    scores = totals
    if settings.length_penalty_weight:
        is_end = tf.one_hot(eos_id, tf.shape(totals)[2], on_value=True, off_value=False)
        ended = length_penalty(beams.lengths, settings.length_penalty_weight)[:, :, tf.newaxis]
        growing = tf.cast(~beams.finished, tf.int32)
        grown = length_penalty(beams.lengths + growing, settings.length_penalty_weight)[:, :, tf.newaxis]
        scores = scores / tf.where(is_end, ended, grown)
    if settings.coverage_penalty_weight:
        penalty = coverage_penalty(coverage) * tf.cast(beams.finished, tf.float32)
        scores += (penalty * settings.coverage_penalty_weight)[:, :, tf.newaxis]
    return scores


def _keep_ended_rows(
    beams: Beams, scores: tf.Tensor, best: tf.Tensor, vocab_size: int | tf.Tensor, eos_id: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """In a row that has ended, whose scores may change once more, each beam goes on with itself and its score."""
    ended = tf.reduce_all(beams.finished, 1, keepdims=True)
    itself = tf.range(beams.finished.shape[1]) * vocab_size + eos_id
    return tf.where(ended, beams.scores, scores), tf.where(ended, itself, best)


def _hypotheses(beams: Beams, eos_id: int, written: tuple[Any, ...]) -> Decoded:
    width = beams.path.shape[1]
    ids = beams.path // width
    looked_at = None
    if written:
        seen = written[0].stack()  # (T, B·K, S), by the beam that was continued
        split = tf.reshape(seen, tf.concat([[tf.shape(seen)[0], -1, width], tf.shape(seen)[2:]], 0))
        by_row = tf.transpose(split, (1, 0, 2, 3))  # (B, T, K, S)
        parents = tf.transpose(beams.path % width, (0, 2, 1))  # (B, T, K)
        looked_at = tf.transpose(tf.gather(by_row, parents, batch_dims=2), (0, 2, 1, 3))
    return Decoded(ids, lengths_of(ids, eos_id), beams.log_probs, beams.scores, looked_at)
