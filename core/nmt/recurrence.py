"""What a recurrent cell is: its states, what is asked of it, and the loop over a sequence. It knows no equations.

Sequences are time-major, (S, B, …): a step's rows lie side by side in memory.
"""

from __future__ import annotations

from typing import Generic, NamedTuple, Protocol, TypeVar

import tensorflow as tf


class LSTMState(NamedTuple):
    """The memory cell `c` and the output `h`, both (B, U), float32."""

    c: tf.Tensor
    h: tf.Tensor


class GRUState(NamedTuple):
    """The output `h` (B, U), float32, which is all of a GRU's state."""

    h: tf.Tensor


CellState = LSTMState | GRUState
StateT = TypeVar("StateT", LSTMState, GRUState)


class Cell(Protocol):
    """What encoders and decoders ask of a cell with inputs of size I and U units."""

    def zero_state(self, batch_size: tf.Tensor) -> CellState:
        """The state before the first step."""

    def step(self, inputs: tf.Tensor, state: CellState) -> tuple[tf.Tensor, CellState]:
        """`inputs` (B, I) → outputs (B, U), and the next state."""

    def sequence(self, inputs: tf.Tensor, lengths: tf.Tensor) -> tuple[tf.Tensor, CellState]:
        """`inputs` (S, B, I), `lengths` (B,) → outputs (S, B, U), and each row's state after its last token.

        Outputs beyond a row's length hold no meaning.
        """

    def outputs(self, inputs: tf.Tensor, state: CellState) -> tf.Tensor:
        """`inputs` (T, B, I), all of them real, from `state` on → outputs (T, B, U)."""


class SteppedCell(tf.Module, Generic[StateT]):  # type: ignore[misc]
    """A cell whose sequence is a loop over its steps, for want of an operation that runs the whole.

    A subclass gives `zero_state`, `project` and `advance`. Their split takes every product that needs no state out
    of the loop: one large product for a sequence instead of a small one for each token.
    """

    num_units: int

    def zero_state(self, batch_size: tf.Tensor) -> StateT:
        """The state before the first step."""
        raise NotImplementedError

    def project(self, inputs: tf.Tensor) -> tf.Tensor:
        """`inputs` (…, I) → what they alone give to a step, (…, P)."""
        raise NotImplementedError

    def advance(self, projected: tf.Tensor, state: StateT) -> StateT:
        """`projected` (B, P) → the next state, whose `h` (B, U) is the output."""
        raise NotImplementedError

    def step(self, inputs: tf.Tensor, state: StateT) -> tuple[tf.Tensor, StateT]:
        """`inputs` (B, I) → (B, U), next state."""
        state = self.advance(self.project(inputs), state)
        return state.h, state

    def sequence(self, inputs: tf.Tensor, lengths: tf.Tensor) -> tuple[tf.Tensor, StateT]:
        """`inputs` (S, B, I), `lengths` (B,) → outputs (S, B, U), state after the last token."""
        return self._run(inputs, self.zero_state(tf.shape(inputs)[1]), lengths)

    def outputs(self, inputs: tf.Tensor, state: StateT) -> tf.Tensor:
        """`inputs` (T, B, I), all of them real, from `state` on → outputs (T, B, U)."""
        return self._run(inputs, state, None)[0]

    def _run(self, inputs: tf.Tensor, state: StateT, lengths: tf.Tensor | None) -> tuple[tf.Tensor, StateT]:
        steps = tf.shape(inputs)[0]
        rows = tf.TensorArray(tf.float32, steps).unstack(self.project(inputs))

        def body(t: tf.Tensor, state: StateT, outputs: tf.TensorArray) -> tuple[tf.Tensor, StateT, tf.TensorArray]:
            after = self.advance(rows.read(t), state)
            outputs = outputs.write(t, after.h)
            return t + 1, after if lengths is None else _keep_ended(t < lengths, after, state), outputs

        _, state, outputs = tf.while_loop(
            lambda t, *_: t < steps,
            body,
            (tf.constant(0), state, tf.TensorArray(tf.float32, steps)),
            maximum_iterations=steps,
        )
        stacked = outputs.stack()
        stacked.set_shape((None, None, self.num_units))
        return stacked, state


def _keep_ended(running: tf.Tensor, after: StateT, before: StateT) -> StateT:
    """`after` in the rows that are `running` (B,), `before` in the others."""
    column = tf.expand_dims(running, 1)
    kept: StateT = tf.nest.map_structure(lambda a, b: tf.where(column, a, b), after, before)
    return kept
