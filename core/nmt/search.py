"""Decoding against a step function: greedy and beam search. It knows no model.

A step function takes ids (N,) and a state, and gives log_probs (N, V) and the next state; every tensor of the state
has N as its first axis. The searches are made of TensorFlow operations and run inside a `tf.function`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

State = Any
StepFn = Callable[[tf.Tensor, State], tuple[tf.Tensor, State]]

_NEVER = -1e9  # a log-probability that no hypothesis reaches, and that can still be added to


class Decoded(NamedTuple):
    """`ids` (B, K, T) padded with the end token, `lengths` (B, K) without it, `log_probs` (B, K), best first."""

    ids: tf.Tensor
    lengths: tf.Tensor
    log_probs: tf.Tensor


def greedy_search(
    step_fn: StepFn, state: State, batch_size: tf.Tensor, max_length: tf.Tensor, *, sos_id: int, eos_id: int
) -> Decoded:
    """The likeliest token, again and again, until every row has ended or `max_length` is reached. K is 1."""

    def body(
        t: tf.Tensor, ids: tf.Tensor, state: State, done: tf.Tensor, total: tf.Tensor, written: tf.TensorArray
    ) -> tuple[Any, ...]:
        log_probs, state = step_fn(ids, state)
        best = tf.argmax(log_probs, -1, output_type=tf.int32)
        best = tf.where(done, eos_id, best)
        total += tf.where(done, 0.0, tf.reduce_max(log_probs, -1))
        return t + 1, best, state, done | (best == eos_id), total, written.write(t, best)

    start = tf.fill((batch_size,), sos_id)
    written = tf.TensorArray(tf.int32, 0, dynamic_size=True, element_shape=start.shape)
    _, _, _, _, total, written = tf.while_loop(
        lambda t, ids, state, done, *_: (t < max_length) & ~tf.reduce_all(done),
        body,
        (tf.constant(0), start, state, tf.zeros((batch_size,), tf.bool), tf.zeros((batch_size,)), written),
    )
    ids = tf.transpose(written.stack())[:, tf.newaxis, :]
    return Decoded(ids, _lengths(ids, eos_id), total[:, tf.newaxis])


class _Beams(NamedTuple):
    """The search between two tokens. `state` rows are B·K, the others (B, K) or (B, K, T so far)."""

    ids: tf.Tensor
    log_probs: tf.Tensor
    finished: tf.Tensor
    lengths: tf.Tensor  # the end token counted, as the penalty counts it
    state: State


def beam_search(
    step_fn: StepFn,
    state: State,
    batch_size: tf.Tensor,
    max_length: tf.Tensor,
    *,
    beam_width: int,
    length_penalty_weight: float,
    sos_id: int,
    eos_id: int,
) -> Decoded:
    """The `beam_width` likeliest hypotheses of each row, the best by score first.

    A finished hypothesis stays among the beams with its score and can be overtaken, as in TensorFlow 1's
    `BeamSearchDecoder`. `state` has a row for each of the B inputs; it is repeated for the K beams here.
    """
    tiled = tf.nest.map_structure(lambda x: tf.repeat(x, beam_width, axis=0), state)
    first = tf.one_hot(tf.zeros((batch_size,), tf.int32), beam_width, on_value=0.0, off_value=_NEVER)
    beams = _Beams(
        ids=tf.fill((batch_size, beam_width, 1), sos_id),
        log_probs=first,  # all beams are alike at first: only one of them may be continued
        finished=tf.zeros((batch_size, beam_width), tf.bool),
        lengths=tf.zeros((batch_size, beam_width), tf.int32),
        state=tiled,
    )
    shapes = tf.nest.map_structure(lambda x: x.shape, beams)._replace(ids=tf.TensorShape((None, beam_width, None)))

    def body(t: tf.Tensor, beams: _Beams) -> tuple[tf.Tensor, _Beams]:
        log_probs, state = step_fn(tf.reshape(beams.ids[:, :, -1], (-1,)), beams.state)
        log_probs = tf.reshape(log_probs, (batch_size, beam_width, -1))
        grown = grow_beams(beams._replace(state=state), log_probs, length_penalty_weight, eos_id)
        return t + 1, grown

    _, beams = tf.while_loop(
        lambda t, beams: (t < max_length) & ~tf.reduce_all(beams.finished),
        body,
        (tf.constant(0), beams),
        shape_invariants=(tf.TensorShape(()), shapes),
    )
    ids = beams.ids[:, :, 1:]
    return Decoded(ids, _lengths(ids, eos_id), beams.log_probs)


def grow_beams(beams: _Beams, log_probs: tf.Tensor, length_penalty_weight: float, eos_id: int) -> _Beams:
    """One token more: of K·V continuations, (B, K, V), keep the K of the best score."""
    beam_width, vocab_size = log_probs.shape[1], tf.shape(log_probs)[2]
    totals = beams.log_probs[:, :, tf.newaxis] + freeze_finished(log_probs, beams.finished, eos_id)
    lengths = beams.lengths[:, :, tf.newaxis] + tf.cast(~beams.finished, tf.int32)[:, :, tf.newaxis]
    scores = totals / length_penalty(lengths, length_penalty_weight)
    _, best = tf.math.top_k(tf.reshape(scores, (tf.shape(scores)[0], -1)), k=beam_width)
    parent, token = best // vocab_size, best % vocab_size

    def of_parent(x: tf.Tensor) -> tf.Tensor:
        return tf.gather(x, parent, batch_dims=1)

    def rows_of_parent(x: tf.Tensor) -> tf.Tensor:
        split = tf.reshape(x, tf.concat([tf.shape(parent), tf.shape(x)[1:]], 0))
        return tf.ensure_shape(tf.reshape(of_parent(split), tf.shape(x)), x.shape)

    finished = of_parent(beams.finished)
    return _Beams(
        ids=tf.concat([of_parent(beams.ids), token[:, :, tf.newaxis]], 2),
        log_probs=tf.gather(tf.reshape(totals, (tf.shape(totals)[0], -1)), best, batch_dims=1),
        finished=finished | (token == eos_id),
        lengths=of_parent(beams.lengths) + tf.cast(~finished, tf.int32),
        state=tf.nest.map_structure(rows_of_parent, beams.state),
    )


def freeze_finished(log_probs: tf.Tensor, finished: tf.Tensor, eos_id: int) -> tf.Tensor:
    """`log_probs` (B, K, V) where a beam that is `finished` (B, K) can only go on with the end token, for nothing."""
    only_end = tf.one_hot(eos_id, tf.shape(log_probs)[-1], on_value=0.0, off_value=_NEVER)
    return tf.where(finished[:, :, tf.newaxis], only_end, log_probs)


def length_penalty(lengths: tf.Tensor, weight: float) -> tf.Tensor:
    """((5 + length) / 6)^weight: Wu et al. (2016), "Google's Neural Machine Translation System", Eq. 14."""
    return ((5.0 + tf.cast(lengths, tf.float32)) / 6.0) ** weight


def _lengths(ids: tf.Tensor, eos_id: int) -> tf.Tensor:
    """Tokens before the first end token of `ids` (B, K, T) → (B, K)."""
    before_end = tf.math.cumprod(tf.cast(ids != eos_id, tf.int32), axis=-1)
    return tf.reduce_sum(before_end, -1)
