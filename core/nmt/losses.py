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

    Projection, softmax and both gradients are one function, as the N · V logits are the largest thing in a step: their
    exponentials serve both ways, and are turned in place into the gradient of the logits.
    """
    vocab_size = projection.shape[1]
    places = tf.stack([tf.range(tf.size(labels)), labels], 1)  # of the labels among the logits
    kept = 1 - label_smoothing

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(outputs: tf.Tensor, projection: tf.Tensor) -> tuple[tf.Tensor, Callable[..., Any]]:
        logits = outputs @ projection
        highest = tf.reduce_max(logits, 1, keepdims=True)
        of_labels = tf.gather_nd(logits, places)
        powers = tf.exp(logits - highest)
        total = tf.linalg.matvec(powers, tf.ones((vocab_size,)))
        losses = tf.math.log(total) + highest[:, 0] - kept * of_labels
        if label_smoothing:
            losses -= label_smoothing * tf.linalg.matvec(outputs, tf.reduce_mean(projection, 1))

        def gradient(d_losses: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            share = (d_losses / total)[:, tf.newaxis]
            # `total` times the logits' gradient.
            d_logits = _put(powers, labels, tf.exp(of_labels - highest[:, 0]) - kept * total)
            d_outputs = tf.matmul(d_logits, projection, transpose_b=True) * share
            with tf.control_dependencies([d_outputs]):  # each of these products keeps all cores busy
                d_projection = tf.matmul(outputs * share, d_logits, transpose_a=True)
            if label_smoothing:
                d_outputs -= label_smoothing * d_losses[:, tf.newaxis] * tf.reduce_mean(projection, 1)
                evenly = label_smoothing / vocab_size * tf.linalg.matvec(outputs, d_losses, transpose_a=True)
                d_projection -= evenly[:, tf.newaxis]
            return d_outputs, d_projection

        return losses, gradient

    losses: tf.Tensor = run(outputs, projection)
    return losses


def _put(matrix: tf.Tensor, columns: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """`matrix` (N, V) with `values` (N,) at `columns` (N,), one a row, written into its own memory.

    `tf.tensor_scatter_nd_update` would copy the whole matrix. All that reads the old values must be among what `values`
    are made of, or be made before; and written twice the same stays the same.
    """
    rows, width = tf.shape(matrix)[0], tf.shape(matrix)[1]
    flat = tf.reshape(matrix, (-1, 1))
    written = tf.raw_ops.InplaceUpdate(x=flat, i=tf.range(rows) * width + columns, v=values[:, tf.newaxis])
    return tf.reshape(written, (rows, width))


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
