"""Decoding against a step function, one hypothesis a row. It knows no model.

A step function takes ids (N,) and a state, and gives log_probs (N, V) and the next state; every tensor of the state
has N as its first axis. What is the same at every step, such as what attention looks at, is no state: the step function
knows it. The searches are made of TensorFlow operations and run inside a `tf.function`. `beams` holds beam search.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

State = Any
StepFn = Callable[[tf.Tensor, State], tuple[tf.Tensor, State]]
# What the last step looked at, (N, S), found in a state.
Alignments = Callable[[State], tf.Tensor]
# log_probs (N, V) and the number of the step → ids (N,), and their log_probs (N,).
Choose = Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


class Ends(NamedTuple):
    """The ids of the tokens that a hypothesis begins and ends with."""

    sos_id: int
    eos_id: int


class Decoded(NamedTuple):
    """Hypotheses, the best first: K of each of B rows, and T the longest of them all.

    `ids` (B, K, T) padded with the end token, `lengths` (B, K) without it. `log_probs` (B, K) are sums over the tokens,
    the end token counted. `scores` (B, K) are what the hypotheses were ranked by: `log_probs`, after the penalties.
    `alignments` (B, K, T, S), where they were asked for, hold for each token what was looked at when it was said.
    """

    ids: tf.Tensor
    lengths: tf.Tensor
    log_probs: tf.Tensor
    scores: tf.Tensor
    alignments: tf.Tensor | None


def greedy_search(
    step_fn: StepFn, state: State, max_lengths: tf.Tensor, ends: Ends, alignments: Alignments | None = None
) -> Decoded:
    """The likeliest token, again and again, of equally likely ones that of the lowest id. K is 1.

    A row ends with the end token, or after `max_lengths` (B,) tokens, at least one of which is above 0.
    """
    return walk(step_fn, state, max_lengths, ends, _likeliest, alignments)


def walk(
    step_fn: StepFn,
    state: State,
    max_lengths: tf.Tensor,
    ends: Ends,
    choose: Choose,
    alignments: Alignments | None = None,
) -> Decoded:
    """One token after another, each chosen by `choose`, until every row has ended. A row that ended changes no more."""
    start = tf.fill(tf.shape(max_lengths), ends.sos_id)

    def body(
        t: tf.Tensor, ids: tf.Tensor, state: State, done: tf.Tensor, total: tf.Tensor, written: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        log_probs, state = step_fn(ids, state)
        chosen, gained = choose(log_probs, t)
        ids = tf.where(done, ends.eos_id, chosen)
        total += tf.where(done, 0.0, gained)
        rows = (ids,) if alignments is None else (ids, alignments(state))
        written = tuple(array.write(t, row) for array, row in zip(written, rows, strict=True))
        t += 1
        return t, ids, state, done | (ids == ends.eos_id) | (t >= max_lengths), total, written

    arrays = step_arrays((tf.int32,) if alignments is None else (tf.int32, tf.float32))
    _, _, _, _, total, written = tf.while_loop(
        lambda t, ids, state, done, *_: ~tf.reduce_all(done),
        body,
        (tf.constant(0), start, state, max_lengths <= 0, tf.zeros_like(max_lengths, tf.float32), arrays),
    )
    ids = tf.transpose(written[0].stack())[:, tf.newaxis, :]
    log_probs = total[:, tf.newaxis]
    looked_at = None if alignments is None else tf.transpose(written[1].stack(), (1, 0, 2))[:, tf.newaxis]
    return Decoded(ids, lengths_of(ids, ends.eos_id), log_probs, log_probs, looked_at)


def step_arrays(kinds: tuple[tf.DType, ...]) -> tuple[tf.TensorArray, ...]:
    """Arrays that get one tensor at each step of a search."""
    return tuple(tf.TensorArray(kind, 0, dynamic_size=True) for kind in kinds)


def lengths_of(ids: tf.Tensor, eos_id: int) -> tf.Tensor:
    """Tokens before the first end token of `ids` (B, K, T) → (B, K)."""
    before_end = tf.math.cumprod(tf.cast(ids != eos_id, tf.int32), axis=-1)
    return tf.reduce_sum(before_end, -1)


def _likeliest(log_probs: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    return tf.argmax(log_probs, -1, output_type=tf.int32), tf.reduce_max(log_probs, -1)
