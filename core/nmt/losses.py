"""The training loss: cross-entropy at real tokens only."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf


def token_cross_entropy(
    outputs: tf.Tensor, projection: tf.Tensor, labels: tf.Tensor, label_smoothing: float = 0.0
) -> tf.Tensor:
    """`outputs` (N, U), `projection` (U, V), `labels` (N,) int32 → −log p(label) in nats, (N,).

    With smoothing ε the target is 1 − ε on the label and ε / V on every token, the label included: Szegedy et al.
    (2016), "Rethinking the Inception Architecture", section 7.

    Projection, softmax and both gradients are one function, as the N · V logits are the largest thing in a step: they
    are written once and read four times, and no second array of their size is made.
    """
    vocab_size = projection.shape[1]

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(outputs: tf.Tensor, projection: tf.Tensor) -> tuple[tf.Tensor, Callable[..., Any]]:
        # (V, U): its rows are the labels' weights, and the product with it on the way back is faster so.
        weights = tf.transpose(projection)
        logits = outputs @ projection
        highest = tf.reduce_max(logits, 1, keepdims=True)
        powers = tf.exp(logits - highest)
        total = tf.reduce_sum(powers, 1, keepdims=True)
        log_total = (tf.math.log(total) + highest)[:, 0]
        kept = 1 - label_smoothing
        of_labels = tf.gather(weights, labels)
        losses = log_total - kept * tf.reduce_sum(outputs * of_labels, 1)
        mean = tf.reduce_mean(weights, 0) if label_smoothing else tf.zeros_like(weights[0])
        if label_smoothing:
            losses -= label_smoothing * tf.linalg.matvec(outputs, mean)

        def gradient(d_losses: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            share = d_losses[:, tf.newaxis] / total
            wanted = kept * d_losses[:, tf.newaxis]
            d_outputs = (powers @ weights) * share - wanted * of_labels
            d_weights = tf.math.unsorted_segment_sum(wanted * outputs, labels, vocab_size)
            d_projection = tf.matmul(outputs * share, powers, transpose_a=True) - tf.transpose(d_weights)
            if label_smoothing:
                d_outputs -= label_smoothing * d_losses[:, tf.newaxis] * mean
                evenly = label_smoothing / vocab_size * tf.linalg.matvec(outputs, d_losses, transpose_a=True)
                d_projection -= evenly[:, tf.newaxis]
            return d_outputs, d_projection

        return losses, gradient

    losses: tf.Tensor = run(outputs, projection)
    return losses


def sampled_cross_entropy(
    outputs: tf.Tensor, projection: tf.Tensor, labels: tf.Tensor, num_sampled: int, seed: tf.Tensor
) -> tf.Tensor:
    """−log p(label) among the label and `num_sampled` other words, (N,): `--num_sampled_softmax`.

    `outputs` (N, U), `projection` (U, V), `labels` (N,) int32; `seed` (2,) int32 draws the same words again. Logits are
    lowered by the log of how often a word is to be expected among those that are drawn, so that frequent words,
    which are drawn often, are not learned to be rare: Jean et al. (2015), "On Using Very Large Target Vocabulary for
    Neural Machine Translation", section 3.
    """
    vocab_size = projection.shape[1]
    candidates, time = draw_candidates(vocab_size, num_sampled, seed)
    return tf.nn.sampled_softmax_loss(
        weights=tf.transpose(projection),
        biases=tf.zeros((vocab_size,)),
        labels=labels[:, tf.newaxis],
        inputs=outputs,
        num_sampled=num_sampled,
        num_classes=vocab_size,
        sampled_values=(
            candidates,
            expected_counts(labels[:, tf.newaxis], vocab_size, time),
            expected_counts(candidates, vocab_size, time),
        ),
    )


def draw_candidates(vocab_size: int, count: int, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """`count` distinct ids, (count,) int64, small ones likelier, and how many draws it took to find as many.

    TensorFlow's own sampler, which tensorflow/nmt uses, draws from p(k) ∝ log((k + 2) / (k + 1)) until it has as many,
    and goes on from where it was in its stream of random numbers, which no resumed run could find again. Here each
    id waits for its first draw, an exponential time of rate p(k): the first of them are distributed as there, and
    the time at which the last of them came stands for the number of draws.
    """
    waiting = -tf.math.log(tf.random.stateless_uniform((vocab_size,), seed, minval=1e-30, alg="philox"))
    times, candidates = tf.math.top_k(-waiting / _probabilities(tf.range(vocab_size), vocab_size), count)
    return tf.cast(candidates, tf.int64), -times[-1]


def expected_counts(ids: tf.Tensor, vocab_size: int, draws: tf.Tensor) -> tf.Tensor:
    """How likely each of `ids` (…) is among the distinct ones of so many draws: 1 − (1 − p)^draws, (…), float32."""
    return -tf.math.expm1(draws * tf.math.log1p(-_probabilities(ids, vocab_size)))


def _probabilities(ids: tf.Tensor, vocab_size: int) -> tf.Tensor:
    ids = tf.cast(ids, tf.float32)
    return tf.math.log1p(1 / (ids + 1)) / math.log(vocab_size + 1)
