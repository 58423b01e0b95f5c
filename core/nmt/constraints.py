"""What an answer must not do, as step functions around step functions: no search knows of it.

They remember what was said in their own part of the state, a row for each hypothesis, so that it follows the
hypothesis through a beam search.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from core.nmt.search import State, StepFn
from core.nmt.target_tree import ROOT, TargetTree

# In place of the log-probability of a token that must not come: no sum of real ones falls so low.
FORBIDDEN = -1e9

_NOTHING = -1


class Constraints(NamedTuple):
    """Settings: 1, 0 and None mean that anything may come."""

    repetition_penalty: float = 1.0
    no_repeat_ngram_size: int = 0
    tree: TargetTree | None = None


class Constrained(NamedTuple):
    """The state of a step function that keeps to a constraint.

    `inner` is that of the step function in it, and `said` what the hypothesis holds so far, with the token that it
    began with: (N, V) which tokens, or (N, P) the tokens, the last at the end, -1 before the first; or, of what came
    before its last token, (N,) the node of a tree that it leads to, -1 before the first.
    """

    inner: State
    said: tf.Tensor


class Sizes(NamedTuple):
    """N hypotheses, V tokens of the vocabulary, and T, the most tokens that a hypothesis can have."""

    rows: int | tf.Tensor
    vocab: int
    longest: int | tf.Tensor


def constrain(step_fn: StepFn, state: State, constraints: Constraints, sizes: Sizes) -> tuple[StepFn, State]:
    """A step function that keeps to `constraints`, and the state that it starts from."""
    if constraints.repetition_penalty != 1:
        step_fn = penalize_repetition(step_fn, constraints.repetition_penalty)
        state = Constrained(state, tf.zeros((sizes.rows, sizes.vocab), tf.bool))
    if constraints.no_repeat_ngram_size:
        step_fn = forbid_repeated_ngrams(step_fn, constraints.no_repeat_ngram_size)
        places = sizes.longest + constraints.no_repeat_ngram_size  # a run fits in from the first step on
        state = Constrained(state, tf.fill((sizes.rows, places), _NOTHING))
    if constraints.tree:
        step_fn = keep_to_tree(step_fn, constraints.tree)
        state = Constrained(state, tf.fill((sizes.rows,), _NOTHING))
    return step_fn, state


def penalize_repetition(step_fn: StepFn, penalty: float) -> StepFn:
    """What the answer holds already becomes less likely: Keskar et al. (2019), "CTRL", section 4.1.

    The paper divides a token's logit by the penalty, which makes a negative one likelier. Log-probabilities are never
    positive, so they are multiplied.
    """

    def step(ids: tf.Tensor, state: Constrained) -> tuple[tf.Tensor, Constrained]:
        log_probs, inner = step_fn(ids, state.inner)
        said = state.said | tf.one_hot(ids, state.said.shape[1], on_value=True, off_value=False)
        return tf.where(said, log_probs * penalty, log_probs), Constrained(inner, said)

    return step


def forbid_repeated_ngrams(step_fn: StepFn, size: int) -> StepFn:
    """No run of `size` tokens comes twice: Paulus et al. (2018), "A Deep Reinforced Model for Summarization", 2.5."""

    def step(ids: tf.Tensor, state: Constrained) -> tuple[tf.Tensor, Constrained]:
        log_probs, inner = step_fn(ids, state.inner)
        said = tf.ensure_shape(tf.concat([state.said[:, 1:], ids[:, tf.newaxis]], 1), state.said.shape)
        return _forbid(log_probs, repeats(said, size)), Constrained(inner, said)

    return step


def keep_to_tree(step_fn: StepFn, tree: TargetTree) -> StepFn:
    """Only what goes on to one of the tree's sentences may come: De Cao et al. (2021), section 3.2.

    Log-probabilities stay those over the whole vocabulary. Were they shared out among what may come, a beginning that
    only one sentence has would be as good as certain to be followed by the rest of it.
    """
    first, tokens = tf.constant(tree.first, tf.int32), tf.constant(tree.tokens, tf.int32)

    def branches(nodes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        numbers = tf.ragged.range(tf.gather(first, nodes), tf.gather(first, nodes + 1))
        return tf.cast(numbers.value_rowids(), tf.int32), numbers.flat_values

    def reached(nodes: tf.Tensor, ids: tf.Tensor) -> tf.Tensor:
        """Where `ids` lead to. A hypothesis that has ended goes nowhere."""
        rows, numbers = branches(tf.maximum(nodes, ROOT))
        taken = tf.where(tf.gather(tokens, numbers) == tf.gather(ids, rows), numbers + 1, ROOT)
        follower = tf.maximum(tf.math.unsorted_segment_max(taken, rows, tf.size(nodes)), ROOT)
        return tf.where(nodes == _NOTHING, ROOT, tf.where(follower == ROOT, nodes, follower))

    def step(ids: tf.Tensor, state: Constrained) -> tuple[tf.Tensor, Constrained]:
        log_probs, inner = step_fn(ids, state.inner)
        nodes = reached(state.said, ids)
        rows, numbers = branches(nodes)
        allowed = tf.stack([rows, tf.gather(tokens, numbers)], 1)
        kept = tf.tensor_scatter_nd_update(
            tf.fill(tf.shape(log_probs), FORBIDDEN), allowed, tf.gather_nd(log_probs, allowed)
        )
        return kept, Constrained(inner, nodes)

    return step


def repeats(said: tf.Tensor, size: int) -> tf.Tensor:
    """Which tokens would end a run of `size` that is in `said` (N, P) already: (M, 2), row and token."""
    places = tf.shape(said)[1]
    followers = said[:, size - 1 :]  # what came after each run of size - 1
    same = followers != _NOTHING
    for i in range(size - 1):
        same &= said[:, i : places - (size - 1) + i] == said[:, places - (size - 1) + i, tf.newaxis]
    found = tf.cast(tf.where(same), tf.int32)
    return tf.stack([found[:, 0], tf.gather_nd(followers, found)], 1)


def _forbid(log_probs: tf.Tensor, tokens: tf.Tensor) -> tf.Tensor:
    return tf.tensor_scatter_nd_update(log_probs, tokens, tf.fill((tf.shape(tokens)[0],), FORBIDDEN))
