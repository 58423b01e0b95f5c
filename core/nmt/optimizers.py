"""Optimizers over TensorFlow's fused update operations, and clipping. The learning rate comes with each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias

import tensorflow as tf

Gradient: TypeAlias = tf.Tensor | tf.IndexedSlices


class Optimizer(Protocol):
    """Updates variables in place, one gradient each."""

    def apply(self, gradients: Sequence[Gradient], variables: Sequence[tf.Variable], learning_rate: tf.Tensor) -> None:
        """One update; `learning_rate` is a scalar, float32."""


class SGD(tf.Module):  # type: ignore[misc]
    """w ← w − η ∇w."""

    def apply(self, gradients: Sequence[Gradient], variables: Sequence[tf.Variable], learning_rate: tf.Tensor) -> None:
        """One update; of an embedding, whose gradient is sparse, only the rows of tokens that were there."""
        for gradient, variable in zip(gradients, variables, strict=True):
            if isinstance(gradient, tf.IndexedSlices):
                # Each row once: to one that comes twice threads would add in an order of their own, and no run that
                # goes on would be bit by bit the one that was never stopped.
                rows, places = tf.unique(gradient.indices)
                sums = tf.math.unsorted_segment_sum(gradient.values, places, tf.size(rows))
                variable.scatter_sub(tf.IndexedSlices(learning_rate * sums, rows))
            else:
                tf.raw_ops.ResourceApplyGradientDescent(var=variable.handle, alpha=learning_rate, delta=gradient)


class Adam(tf.Module):  # type: ignore[misc]
    """Kingma and Ba (2015), "Adam", in the form of the end of its section 2 (ε is the paper's ε̂).

    β₁ 0.9, β₂ 0.999, ε 1e-8, as tensorflow/nmt used it.
    """

    def __init__(self, variables: Sequence[tf.Variable]) -> None:
        super().__init__(name="adam")
        self.first = [tf.Variable(tf.zeros_like(v), trainable=False) for v in variables]
        self.second = [tf.Variable(tf.zeros_like(v), trainable=False) for v in variables]
        self.beta1_power = tf.Variable(1.0, trainable=False)
        self.beta2_power = tf.Variable(1.0, trainable=False)

    def apply(self, gradients: Sequence[Gradient], variables: Sequence[tf.Variable], learning_rate: tf.Tensor) -> None:
        """One update of the moments and of the weights."""
        beta1, beta2 = 0.9, 0.999
        beta1_power = self.beta1_power.assign(self.beta1_power * beta1)
        beta2_power = self.beta2_power.assign(self.beta2_power * beta2)
        for gradient, variable, m, v in zip(gradients, variables, self.first, self.second, strict=True):
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=m.handle,
                v=v.handle,
                beta1_power=beta1_power,
                beta2_power=beta2_power,
                lr=learning_rate,
                beta1=beta1,
                beta2=beta2,
                epsilon=1e-8,
                grad=tf.convert_to_tensor(gradient),
            )


def make_optimizer(name: str, variables: Sequence[tf.Variable]) -> Optimizer:
    """The optimizer that `--optimizer` names."""
    return Adam(variables) if name == "adam" else SGD()


def clip_gradients(gradients: Sequence[Gradient], max_norm: float) -> tuple[list[Gradient], tf.Tensor]:
    """All gradients scaled so that their global norm is at most `max_norm`; and the norm before that.

    Pascanu et al. (2013), "On the difficulty of training recurrent neural networks", algorithm 1. As in tensorflow/nmt
    a token that comes twice in a batch counts twice in the norm of a sparse gradient, not with the sum of both.
    """
    clipped, norm = tf.clip_by_global_norm(gradients, max_norm)
    return clipped, norm
