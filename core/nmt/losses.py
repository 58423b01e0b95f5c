"""The training loss: cross-entropy at real tokens only."""

from __future__ import annotations

import tensorflow as tf


def token_cross_entropy(logits: tf.Tensor, labels: tf.Tensor, label_smoothing: float = 0.0) -> tf.Tensor:
    """`logits` (N, V), `labels` (N,) int32 → −log p(label) in nats, (N,).

    With smoothing ε the target is 1 − ε on the label and ε / V on every token, the label included: Szegedy et al.
    (2016), "Rethinking the Inception Architecture", section 7.
    """
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    if label_smoothing == 0:
        return losses
    uniform = tf.reduce_logsumexp(logits, -1) - tf.reduce_mean(logits, -1)
    return (1 - label_smoothing) * losses + label_smoothing * uniform
