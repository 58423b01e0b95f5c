"""Token embeddings, and how weights begin."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import tensorflow as tf

from core.nmt.hparams import HParams

Initializer = Callable[[Sequence[int]], tf.Tensor]


def make_initializer(hparams: HParams, generator: tf.random.Generator) -> Initializer:
    """A function from a matrix's shape to its first values, drawn from `generator`.

    `uniform` draws from ±init_weight. The Glorot forms draw with variance 2 / (rows + columns): Glorot and Bengio
    (2010), "Understanding the difficulty of training deep feedforward neural networks", Eq. 16.
    """

    def uniform(shape: Sequence[int]) -> tf.Tensor:
        return generator.uniform(shape, -hparams.init_weight, hparams.init_weight)

    def glorot_uniform(shape: Sequence[int]) -> tf.Tensor:
        limit = math.sqrt(6 / (shape[0] + shape[-1]))
        return generator.uniform(shape, -limit, limit)

    def glorot_normal(shape: Sequence[int]) -> tf.Tensor:
        return generator.truncated_normal(shape, stddev=math.sqrt(2 / (shape[0] + shape[-1])))

    return {"uniform": uniform, "glorot_uniform": glorot_uniform, "glorot_normal": glorot_normal}[hparams.init_op]


class Embedding(tf.Module):  # type: ignore[misc]
    """A row of U numbers for every id."""

    def __init__(self, vocab_size: int, num_units: int, initializer: Initializer, name: str) -> None:
        super().__init__(name=name)
        self.table = tf.Variable(initializer((vocab_size, num_units)), name="table")

    def __call__(self, ids: tf.Tensor) -> tf.Tensor:
        """`ids` (…), int32 → (…, U), float32."""
        return tf.gather(self.table, ids)
