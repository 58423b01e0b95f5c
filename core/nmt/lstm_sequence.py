"""A whole sequence through one LSTM layer, whose gradient is written out by hand.

TensorFlow's fused operation `BlockLSTM` runs a layer forward in one go. Its own gradient makes one of the weights at
every token; here the loop back carries only what the next token needs, and the products that can wait are taken
over all tokens at once. (Its second version, `BlockLSTMV2`, is no choice: it orders the gates i, f, g, o, but the
gradient that TensorFlow registers for it is that of the first version.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from core.nmt.recurrence import LSTMState


def run_lstm(
    inputs: tf.Tensor, state: LSTMState, kernel: tf.Tensor, bias: tf.Tensor, forget_bias: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """`inputs` (S, B, I), time-major, from `state` on → memory cells and outputs, both (S, B, U).

    `kernel` ((I + U), 4U) and `bias` (4U,) hold the gates in the order i, g, f, o.
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(
        inputs: tf.Tensor, c: tf.Tensor, h: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor
    ) -> tuple[tuple[tf.Tensor, tf.Tensor], Callable[..., Any]]:
        layer = _Layer(inputs, LSTMState(c, h), kernel, bias, forget_bias)
        return (layer.saved.cs, layer.saved.h), layer.gradient

    result: tuple[tf.Tensor, tf.Tensor] = run(inputs, *state, kernel, bias)
    return result


class _Layer:
    """One way forward, and the way back."""

    def __init__(
        self, inputs: tf.Tensor, state: LSTMState, kernel: tf.Tensor, bias: tf.Tensor, forget_bias: float
    ) -> None:
        self._inputs, self._state, self._kernel, self._bias = inputs, state, kernel, bias
        self._units = kernel.shape[1] // 4
        self._no_peephole = dict.fromkeys(("wci", "wcf", "wco"), tf.zeros((self._units,)))
        self.saved = tf.raw_ops.BlockLSTM(
            seq_len_max=tf.shape(inputs, out_type=tf.int64)[0],
            x=inputs,
            cs_prev=state.c,
            h_prev=state.h,
            w=kernel,
            b=bias,
            forget_bias=forget_bias,
            cell_clip=0.0,
            use_peephole=False,
            **self._no_peephole,
        )

    def gradient(self, d_cs: tf.Tensor, d_outputs: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """From those of memory cells and outputs, (S, B, U), the gradients of the arguments of `run`."""
        of_inputs, of_outputs = tf.split(self._kernel, [-1, self._units])
        d_c, d_h, d_gates = self._backward(d_cs, d_outputs, tf.transpose(of_outputs))
        rows = tf.reshape(d_gates, (-1, 4 * self._units))
        d_inputs = tf.reshape(rows @ tf.transpose(of_inputs), tf.shape(self._inputs))
        d_kernel, d_bias = weight_gradients([self._inputs, before(self._state.h, self.saved.h)], d_gates)
        return d_inputs, d_c, d_h, d_kernel, d_bias

    def _backward(
        self, d_cs: tf.Tensor, d_outputs: tf.Tensor, weights: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """The loop back: gradients of the first state, and of the gates before their activation (S, B, 4U).

        `weights` (4U, U) lead from the gates to the outputs before.
        """
        steps, batch_size = tf.shape(self._inputs)[0], self._inputs.shape[1]
        saved = self.saved
        cells = before(self._state.c, saved.cs)
        rows = [
            tf.TensorArray(tf.float32, steps).unstack(x)
            for x in (cells, saved.i, saved.cs, saved.f, saved.o, saved.ci, saved.co, d_cs, d_outputs)
        ]
        inputs = self._inputs[0]
        gates = tf.TensorArray(tf.float32, steps, element_shape=(batch_size, 4 * self._units))

        def body(t: tf.Tensor, d_c: tf.Tensor, d_h: tf.Tensor, gates: tf.TensorArray) -> tuple[Any, ...]:
            c, i, cs, f, o, ci, co, from_cs, from_output = (row.read(t) for row in rows)
            step = tf.raw_ops.LSTMBlockCellGrad(
                # Of inputs and output before it looks at the shapes alone: they meet only the weights.
                x=inputs,
                cs_prev=c,
                h_prev=self._state.h,
                w=self._kernel,
                b=self._bias,
                i=i,
                cs=cs,
                f=f,
                o=o,
                ci=ci,
                co=co,
                cs_grad=d_c + from_cs,
                h_grad=d_h + from_output,
                use_peephole=False,
                **self._no_peephole,
            )
            step.dicfo.set_shape((batch_size, 4 * self._units))
            step.cs_prev_grad.set_shape((batch_size, self._units))
            return t - 1, step.cs_prev_grad, step.dicfo @ weights, gates.write(t, step.dicfo)

        nothing = tf.zeros_like(self._state.c)
        _, d_c, d_h, gates = tf.while_loop(
            lambda t, *_: t >= 0, body, (steps - 1, nothing, nothing, gates), maximum_iterations=steps
        )
        return d_c, d_h, gates.stack()


def weight_gradients(seen: Sequence[tf.Tensor], d_outputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Gradients of a kernel (I, J) and a bias (J,), from those of what they made at all steps, (T, B, J).

    `seen`, each (T, B, …), I wide together, is what the kernel was multiplied with. The bias is the weight of an
    input that is always 1: so its gradient costs no pass of its own over `d_outputs`.
    """
    inputs = tf.concat([*seen, tf.ones_like(d_outputs[:, :, :1])], -1)
    flat = (tf.reshape(x, (-1, x.shape[-1])) for x in (inputs, d_outputs))
    d_weights = tf.matmul(*flat, transpose_a=True)
    return d_weights[:-1], d_weights[-1]


def before(first: tf.Tensor, sequence: tf.Tensor) -> tf.Tensor:
    """`sequence` (T, B, U) one step later: `first` (B, U), then all but its last."""
    return tf.concat([tf.expand_dims(first, 0), sequence[:-1]], 0)
