"""Attention: how well each source token fits what the decoder is about to say.

A mechanism holds weights only. What it computed for one batch lies in a `Memory` that the caller carries, so two
threads can use one model.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

import tensorflow as tf

from core.nmt.embeddings import Initializer

# Added to the score of padding: exp of it is 0 in float32, and a row of nothing but padding still gives no NaN.
_MASKED = -1e9


class Memory(NamedTuple):
    """What a batch's attention looks at.

    `values` (B, S, M) the encoder's outputs, zero at padding; `keys` (B, S, U) their projection; `bias` (B, S) zero at
    tokens and very negative at padding. All float32.
    """

    values: tf.Tensor
    keys: tf.Tensor
    bias: tf.Tensor


class Attention(Protocol):
    """What the decoder asks of a mechanism."""

    def remember(self, encoder_outputs: tf.Tensor, source_lengths: tf.Tensor) -> Memory:
        """`encoder_outputs` (B, S, M), `source_lengths` (B,) → the memory that `score` looks at."""

    def score(self, queries: tf.Tensor, memory: Memory) -> tf.Tensor:
        """`queries` (B, T, U) → scores (B, T, S) before the softmax; padding is not yet masked."""


def attend(mechanism: Attention, query: tf.Tensor, memory: Memory) -> tuple[tf.Tensor, tf.Tensor]:
    """`query` (B, U) → context (B, M), and alignments (B, S), which sum to 1 over the tokens."""
    contexts, alignments = attend_all(mechanism, tf.expand_dims(query, 1), memory)
    return tf.squeeze(contexts, 1), tf.squeeze(alignments, 1)


def attend_all(mechanism: Attention, queries: tf.Tensor, memory: Memory) -> tuple[tf.Tensor, tf.Tensor]:
    """`queries` (B, T, U) of several steps → contexts (B, T, M), and alignments (B, T, S)."""
    alignments = tf.nn.softmax(mechanism.score(queries, memory) + tf.expand_dims(memory.bias, 1))
    return alignments @ memory.values, alignments


class _Keys(tf.Module):  # type: ignore[misc]
    """The projection of the encoder's outputs that all mechanisms share."""

    def __init__(self, memory_size: int, num_units: int, init: Initializer, name: str) -> None:
        super().__init__(name=name)
        self.memory_kernel = tf.Variable(init((memory_size, num_units)), name="memory_kernel")

    def remember(self, encoder_outputs: tf.Tensor, source_lengths: tf.Tensor) -> Memory:
        mask = tf.sequence_mask(source_lengths, tf.shape(encoder_outputs)[1], tf.float32)
        values = encoder_outputs * mask[:, :, tf.newaxis]
        return Memory(values, tf.tensordot(values, self.memory_kernel, 1), (1 - mask) * _MASKED)


class LuongAttention(_Keys):
    """Multiplicative attention: Luong et al. (2015), "Effective Approaches to Attention-based Neural Machine
    Translation", Eq. 8, general.

    score(q, k) = g · qᵀ(W k), where g is 1, or learned from 1 on when `scale` is set.
    """

    def __init__(self, memory_size: int, num_units: int, init: Initializer, *, scale: bool) -> None:
        super().__init__(memory_size, num_units, init, name="luong_attention")
        self.scale = tf.Variable(1.0, name="scale") if scale else None

    def score(self, queries: tf.Tensor, memory: Memory) -> tf.Tensor:
        """`queries` (B, T, U) → (B, T, S)."""
        scores = tf.matmul(queries, memory.keys, transpose_b=True)
        return scores if self.scale is None else self.scale * scores


class BahdanauAttention(_Keys):
    """Additive attention: Bahdanau et al. (2015), "Neural Machine Translation by Jointly Learning to Align and
    Translate", appendix A.1.2.

    score(q, k) = vᵀ tanh(V q + W k). With `normalize` the form of Salimans and Kingma (2016), "Weight
    Normalization": v becomes g · v / ‖v‖, g begins at sqrt(1 / U), and a bias, 0 at first, is added within tanh.
    """

    def __init__(self, memory_size: int, num_units: int, init: Initializer, *, normalize: bool) -> None:
        super().__init__(memory_size, num_units, init, name="bahdanau_attention")
        self.query_kernel = tf.Variable(init((num_units, num_units)), name="query_kernel")
        self.v = tf.Variable(tf.squeeze(init((num_units, 1)), 1), name="v")
        self.g = tf.Variable(math.sqrt(1 / num_units), name="g") if normalize else None
        self.bias = tf.Variable(tf.zeros((num_units,)), name="bias") if normalize else None

    def score(self, queries: tf.Tensor, memory: Memory) -> tf.Tensor:
        """`queries` (B, T, U) → (B, T, S)."""
        projected = tf.tensordot(queries, self.query_kernel, 1)
        hidden = projected[:, :, tf.newaxis] + memory.keys[:, tf.newaxis]  # (B, T, S, U)
        # `tensordot` makes it one product of matrices. `matvec` would be a batched product by a single column, which in
        # TensorFlow 2.21 oneDNN computes, and writes beyond its result on some processors with AVX-512.
        if self.g is None:
            return tf.tensordot(tf.tanh(hidden), self.v, 1)
        v = self.g * self.v * tf.math.rsqrt(tf.reduce_sum(tf.square(self.v)))
        return tf.tensordot(tf.tanh(hidden + self.bias), v, 1)


def make_attention(name: str, memory_size: int, num_units: int, init: Initializer) -> Attention:
    """The mechanism that `--attention` names (not the empty one)."""
    if name.endswith("luong"):
        return LuongAttention(memory_size, num_units, init, scale=name == "scaled_luong")
    return BahdanauAttention(memory_size, num_units, init, normalize=name == "normed_bahdanau")
