"""Drawing tokens by their probability: temperature, top-k and top-p. It knows no model and no random numbers.

Which numbers between 0 and 1 decide is the caller's affair, so that a row's draw does not depend on its batch.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from core.nmt.search import Alignments, Decoded, Ends, State, StepFn, walk


class Sampling(NamedTuple):
    """What is drawn from.

    `temperature` divides the log-probabilities: below 1 the likely tokens are drawn more often. `top_k`: the so many
    likeliest tokens alone, 0 all (Fan et al., 2018, "Hierarchical Neural Story Generation", section 5.1). `top_p`: of
    these the fewest that hold this share of the probability (Holtzman et al., 2020, "The Curious Case of Neural Text
    Degeneration", Eq. 2 and 3).
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0


def sample_search(
    step_fn: StepFn,
    state: State,
    max_lengths: tf.Tensor,
    ends: Ends,
    drawing: tuple[Sampling, tf.Tensor],
    alignments: Alignments | None = None,
) -> Decoded:
    """Each token drawn by its probability after those before it. K is 1.

    `drawing` is what is drawn from, and numbers (B, T) from 0 to below 1, one a token, T as great as the greatest of
    `max_lengths` (B,). `log_probs` are the model's own, whatever temperature, top-k and top-p make of them.
    """
    sampling, numbers = drawing

    def choose(log_probs: tf.Tensor, t: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        drawn = draw(log_probs, numbers[:, t], sampling)
        return drawn, tf.gather(log_probs, drawn, batch_dims=1)

    return walk(step_fn, state, max_lengths, ends, choose, alignments)


def draw(log_probs: tf.Tensor, numbers: tf.Tensor, sampling: Sampling) -> tf.Tensor:
    """A token for each row: `log_probs` (N, V), `numbers` (N,) from 0 to below 1 → ids (N,).

    The number says how far along the tokens' probabilities, laid end to end, the token lies.
    """
    logits = log_probs / sampling.temperature
    if not sampling.top_k and sampling.top_p >= 1:
        return _place(tf.nn.softmax(logits), numbers, 1.0)
    vocab_size = tf.shape(logits)[1]
    likeliest = tf.minimum(sampling.top_k, vocab_size) if sampling.top_k else vocab_size
    values, ids = tf.math.top_k(logits, likeliest)
    return tf.gather(ids, _place(tf.nn.softmax(values), numbers, sampling.top_p), batch_dims=1)


def _place(probs: tf.Tensor, numbers: tf.Tensor, top_p: float) -> tf.Tensor:
    """Where in `probs` (N, V) a number lies, of the first tokens that hold `top_p` of them → (N,)."""
    reached = tf.cumsum(probs, axis=-1)
    held = reached[:, -1:]
    if top_p < 1:
        enough = tf.argmax(reached >= top_p * held, -1)[:, tf.newaxis]
        held = tf.gather(reached, enough, batch_dims=1)
    # A number below 1 times the whole is below the whole in floating point too, so a token is always found.
    return tf.reduce_sum(tf.cast(reached <= numbers[:, tf.newaxis] * held, tf.int32), -1)
