"""Optimizers over TensorFlow's fused update operations, and clipping. The learning rate comes with each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import tensorflow as tf


class Optimizer(Protocol):
    """Updates variables in place, one gradient each."""

    def apply(self, gradients: Sequence[tf.Tensor], variables: Sequence[tf.Variable], learning_rate: tf.Tensor) -> None:
        """One update; `learning_rate` is a scalar, float32."""


class SGD(tf.Module):  # type: ignore[misc]
    """w ← w − η ∇w."""

    def apply(self, gradients: Sequence[tf.Tensor], variables: Sequence[tf.Variable], learning_rate: tf.Tensor) -> None:
        """One update."""
        for gradient, variable in zip(gradients, variables, strict=True):
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

    def apply(self, gradients: Sequence[tf.Tensor], variables: Sequence[tf.Variable], learning_rate: tf.Tensor) -> None:
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
                grad=gradient,
            )


def make_optimizer(name: str, variables: Sequence[tf.Variable]) -> Optimizer:
    """The optimizer that `--optimizer` names."""
    return Adam(variables) if name == "adam" else SGD()


def clip_gradients(
    gradients: Sequence[tf.Tensor | tf.IndexedSlices], max_norm: float
) -> tuple[list[tf.Tensor], tf.Tensor]:
    """All gradients, dense, scaled so that their global norm is at most `max_norm`; and the norm before that.

    Pascanu et al. (2013), "On the difficulty of training recurrent neural networks", algorithm 1.
    """
    dense = [tf.convert_to_tensor(gradient) for gradient in gradients]
    clipped, norm = tf.clip_by_global_norm(dense, max_norm)
    return clipped, norm
