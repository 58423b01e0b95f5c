"""Teacher forcing through LSTM layers with attention, whose gradient is written out by hand.

What attention found at a step goes into the bottom layer at the next, so these layers can only be run token by token.
TensorFlow can differentiate such a loop by itself, but then makes a gradient of every weight matrix at every token.
Here the loop back carries only what the next token needs; the gradients of all weights follow after it, one large
product for each: backpropagation through time, Werbos (1990), Eq. 8–13, with its sums over time taken last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from core.nmt.attention import Attention, Memory, attend, attend_all
from core.nmt.lstm_sequence import before, weight_gradients
from core.nmt.recurrence import LSTMState


class Layers(NamedTuple):
    """The layers below an attention, and the attention.

    `kernels` ((I + U), 4U) and `biases` (4U,) of LSTM layers, bottom first, which sees the token's embedding beside
    what was fed; from `first_residual` on each layer's input is added to its output. `attention_kernel` (U + M, A)
    makes what is fed out of query and context; without it the context itself, (B, M), is fed.
    """

    kernels: Sequence[tf.Tensor]
    biases: Sequence[tf.Tensor]
    forget_bias: float
    first_residual: int
    mechanism: Attention
    attention_kernel: tf.Tensor | None


class _Saved(NamedTuple):
    """What a layer's steps leave for the way back, each a `TensorArray` of T times (B, U): gates, states, output."""

    i: tf.TensorArray
    cs: tf.TensorArray
    f: tf.TensorArray
    o: tf.TensorArray
    ci: tf.TensorArray
    co: tf.TensorArray
    h: tf.TensorArray


def feed_inputs(
    layers: Layers, embedded: tf.Tensor, state: Sequence[LSTMState], memory: Memory, masks: Sequence[tf.Tensor]
) -> tuple[tf.Tensor, tf.Tensor]:
    """`embedded` (T, B, E), time-major → queries (T, B, U), the top layer's, and what was fed (T, B, A).

    `state` holds each layer's first; `masks`, if any, one a layer, (T, B, size of its input), are multiplied with the
    layers' inputs.
    """
    first_states = [tensor for layer in state for tensor in layer]
    kernels = [] if layers.attention_kernel is None else [layers.attention_kernel]
    count = len(layers.kernels)

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(*tensors: tf.Tensor) -> tuple[tuple[tf.Tensor, tf.Tensor], Callable[..., Any]]:
        embedded, keys, values = tensors[:3]
        states = [LSTMState(*tensors[at : at + 2]) for at in range(3, 3 + 2 * count, 2)]
        own = tensors[3 + 2 * count :]
        inner = layers._replace(
            kernels=own[:count], biases=own[count : 2 * count], attention_kernel=own[-1] if kernels else None
        )
        sequence = _Sequence(inner, embedded, states, Memory(values, keys, memory.bias), masks)

        def gradient(
            queries: tf.Tensor, fed: tf.Tensor, variables: Sequence[tf.Variable] = ()
        ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
            return sequence.gradient(queries, fed, variables)

        return (sequence.queries, sequence.fed), gradient

    result: tuple[tf.Tensor, tf.Tensor] = run(
        embedded, memory.keys, memory.values, *first_states, *layers.kernels, *layers.biases, *kernels
    )
    return result


class _Sequence:
    """One way forward through all steps, and the way back."""

    def __init__(
        self,
        layers: Layers,
        embedded: tf.Tensor,
        state: Sequence[LSTMState],
        memory: Memory,
        masks: Sequence[tf.Tensor],
    ) -> None:
        self._layers, self._embedded, self._state, self._memory, self._masks = layers, embedded, state, memory, masks
        self._steps, self._batch_size = tf.shape(embedded)[0], tf.shape(embedded)[1]
        self._units = layers.kernels[0].shape[1] // 4
        kernel = layers.attention_kernel
        self._fed_size = memory.values.shape[-1] if kernel is None else kernel.shape[1]
        self._input_sizes = [matrix.shape[0] - self._units for matrix in layers.kernels]
        self._mask_rows = [self._unstack(mask) for mask in masks]
        self._no_peephole = tf.zeros((self._units,))
        # What a cell's gradient looks at for its shape alone: these meet only the weights.
        self._no_inputs, self._no_output = [self._zeros(size) for size in self._input_sizes], self._zeros(self._units)
        self._saved, self.queries, self.fed, self._contexts = self._forward()

    def _unstack(self, sequence: tf.Tensor) -> tf.TensorArray:
        return tf.TensorArray(tf.float32, self._steps, clear_after_read=False).unstack(sequence)

    def _array(self, size: int) -> tf.TensorArray:
        """Room for T times (B, size)."""
        return tf.TensorArray(
            tf.float32, self._steps, clear_after_read=False, element_shape=(self._embedded.shape[1], size)
        )

    def _masked(self, layer: int, t: tf.Tensor, inputs: tf.Tensor) -> tf.Tensor:
        return inputs * self._mask_rows[layer].read(t) if self._masks else inputs

    def _zeros(self, size: int) -> tf.Tensor:
        return tf.zeros((self._batch_size, size))

    def _forward(self) -> tuple[list[_Saved], tf.Tensor, tf.Tensor, tf.Tensor]:
        """What each layer saved, queries (T, B, U), what was fed (T, B, A) and contexts (T, B, M)."""
        rows = self._unstack(self._embedded)
        memory_size = self._memory.values.shape[-1]

        def body(t: tf.Tensor, state: Any, fed: tf.Tensor, saved: Any, arrays: Any) -> tuple[Any, ...]:
            query, state, saved = self._layers_forward(t, tf.concat([rows.read(t), fed], -1), state, saved)
            context = attend(self._layers.mechanism, query, self._memory)[0]
            kernel = self._layers.attention_kernel
            fed = context if kernel is None else tf.concat([query, context], -1) @ kernel
            arrays = tuple(a.write(t, x) for a, x in zip(arrays, (query, fed, context), strict=True))
            return t + 1, state, fed, saved, arrays

        saved = [_Saved(*(self._array(self._units) for _ in _Saved._fields)) for _ in self._layers.kernels]
        arrays = tuple(self._array(size) for size in (self._units, self._fed_size, memory_size))
        *_, saved, arrays = tf.while_loop(
            lambda t, *_: t < self._steps,
            body,
            (tf.constant(0), list(self._state), self._zeros(self._fed_size), saved, arrays),
            maximum_iterations=self._steps,
        )
        queries, fed, contexts = (array.stack() for array in arrays)
        return saved, queries, fed, contexts

    def _layers_forward(
        self, t: tf.Tensor, inputs: tf.Tensor, state: Sequence[LSTMState], saved: Sequence[_Saved]
    ) -> tuple[tf.Tensor, list[LSTMState], list[_Saved]]:
        """One token through all layers: the top's output (B, U), the next states, and what is saved."""
        following, kept = [], []
        for layer, (kernel, bias) in enumerate(zip(self._layers.kernels, self._layers.biases, strict=True)):
            step = tf.raw_ops.LSTMBlockCell(
                x=self._masked(layer, t, inputs),
                cs_prev=state[layer].c,
                h_prev=state[layer].h,
                w=kernel,
                wci=self._no_peephole,
                wcf=self._no_peephole,
                wco=self._no_peephole,
                b=bias,
                forget_bias=self._layers.forget_bias,
                cell_clip=0.0,
                use_peephole=False,
            )
            values = (step.i, step.cs, step.f, step.o, step.ci, step.co, step.h)
            kept.append(_Saved(*(array.write(t, x) for array, x in zip(saved[layer], values, strict=True))))
            following.append(LSTMState(step.cs, step.h))
            inputs = step.h + inputs if layer >= self._layers.first_residual else step.h
        return inputs, following, kept

    def gradient(
        self, d_queries: tf.Tensor, d_fed: tf.Tensor, variables: Sequence[tf.Variable]
    ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """From those of `queries` and `fed` the gradients of the inputs of `run`, and of the mechanism's variables."""
        d_embedded, d_states, d_gates, d_vectors, d_contexts = self._backward(d_queries, d_fed)
        d_keys, d_values, *d_variables = self._attention_gradient(d_contexts, variables)
        d_kernels, d_biases = self._weight_gradients(d_gates)
        own = [*d_kernels, *d_biases]
        if self._layers.attention_kernel is not None:
            own.append(weight_gradients([self.queries, self._contexts], d_vectors)[0])
        return [d_embedded, d_keys, d_values, *d_states, *own], d_variables

    def _backward(
        self, d_queries: tf.Tensor, d_fed: tf.Tensor
    ) -> tuple[tf.Tensor, list[tf.Tensor], list[tf.Tensor], tf.Tensor, tf.Tensor]:
        """The loop back: gradients of the embeddings, of the first states, and at all steps of what weights made."""
        rows = [self._unstack(x) for x in (d_queries, d_fed, self.queries)]
        cells = [
            self._unstack(before(state.c, saved.cs.stack()))
            for state, saved in zip(self._state, self._saved, strict=True)
        ]
        # The products need both as they lie in memory: to transpose once is faster than at every step.
        kernels = [tf.transpose(kernel) for kernel in self._layers.kernels]
        own = self._layers.attention_kernel
        attention_kernel = None if own is None else tf.transpose(own)
        size = self._embedded.shape[-1]

        def body(t: tf.Tensor, d_state: Any, d_next: tf.Tensor, arrays: Any) -> tuple[Any, ...]:
            d_query, d_output, query = (row.read(t) for row in rows)
            d_vector = d_next + d_output
            d_context = d_vector
            if attention_kernel is not None:
                through, d_context = tf.split(d_vector @ attention_kernel, [self._units, -1], 1)
                d_query += through
            d_query += self._query_gradient(query, d_context)
            d_inputs, d_state, d_gates = self._layers_backward(t, d_query, d_state, [c.read(t) for c in cells], kernels)
            written = (d_inputs[:, :size], d_vector, d_context, *d_gates)
            arrays = tuple(a.write(t, x) for a, x in zip(arrays, written, strict=True))
            return t - 1, d_state, d_inputs[:, size:], arrays

        sizes = (size, self._fed_size, self._memory.values.shape[-1], *(4 * self._units for _ in kernels))
        zeros = LSTMState(self._zeros(self._units), self._zeros(self._units))
        _, d_state, _, arrays = tf.while_loop(
            lambda t, *_: t >= 0,
            body,
            (self._steps - 1, [zeros] * len(kernels), self._zeros(self._fed_size), tuple(map(self._array, sizes))),
            maximum_iterations=self._steps,
        )
        d_embedded, d_vectors, d_contexts, *d_gates = (array.stack() for array in arrays)
        return d_embedded, tf.nest.flatten(d_state), d_gates, d_vectors, d_contexts

    def _layers_backward(
        self,
        t: tf.Tensor,
        d_output: tf.Tensor,
        d_state: Sequence[LSTMState],
        cells: Sequence[tf.Tensor],
        kernels: Sequence[tf.Tensor],
    ) -> tuple[tf.Tensor, list[LSTMState], list[tf.Tensor]]:
        """One token back through all layers: gradients of the bottom's input, of the states before, of the gates.

        `cells` are the memory cells before this step, `kernels` the transposed ones.
        """
        before: list[LSTMState] = []
        gates: list[tf.Tensor] = []
        for layer in reversed(range(len(kernels))):
            step = self._cell_gradient(t, layer, cells[layer], d_state[layer].c, d_state[layer].h + d_output)
            d_inputs, d_hidden = tf.split(step.dicfo @ kernels[layer], [self._input_sizes[layer], self._units], 1)
            d_inputs = self._masked(layer, t, d_inputs)
            d_output = d_inputs + d_output if layer >= self._layers.first_residual else d_inputs
            before.insert(0, LSTMState(step.cs_prev_grad, d_hidden))
            gates.insert(0, step.dicfo)
        return d_output, before, gates

    def _cell_gradient(self, t: tf.Tensor, layer: int, c: tf.Tensor, d_c: tf.Tensor, d_h: tf.Tensor) -> Any:
        """TensorFlow's own gradient of a step, up to the gates before their activation, `dicfo` (B, 4U)."""
        saved = self._saved[layer]
        step = tf.raw_ops.LSTMBlockCellGrad(
            x=self._no_inputs[layer],
            h_prev=self._no_output,
            cs_prev=c,
            w=self._layers.kernels[layer],
            wci=self._no_peephole,
            wcf=self._no_peephole,
            wco=self._no_peephole,
            b=self._layers.biases[layer],
            i=saved.i.read(t),
            cs=saved.cs.read(t),
            f=saved.f.read(t),
            o=saved.o.read(t),
            ci=saved.ci.read(t),
            co=saved.co.read(t),
            cs_grad=d_c,
            h_grad=d_h,
            use_peephole=False,
        )
        for found, size in ((step.dicfo, 4 * self._units), (step.cs_prev_grad, self._units)):
            found.set_shape((self._embedded.shape[1], size))
        return step

    def _query_gradient(self, query: tf.Tensor, d_context: tf.Tensor) -> tf.Tensor:
        """`query` (B, U), `d_context` (B, M) → the query's gradient, (B, U), by looking once more."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(query)
            context, _ = attend(self._layers.mechanism, query, self._memory)
        return tape.gradient(context, query, d_context)

    def _attention_gradient(self, d_contexts: tf.Tensor, variables: Sequence[tf.Variable]) -> list[tf.Tensor]:
        """Gradients of keys, values and the mechanism's variables, over all steps at once."""
        watched = [self._memory.keys, self._memory.values]
        with tf.GradientTape() as tape:
            tape.watch(watched)
            contexts, _ = attend_all(self._layers.mechanism, tf.transpose(self.queries, (1, 0, 2)), self._memory)
        gradients: list[tf.Tensor] = tape.gradient(
            contexts, [*watched, *variables], tf.transpose(d_contexts, (1, 0, 2)), unconnected_gradients="zero"
        )
        return gradients

    def _weight_gradients(self, d_gates: Sequence[tf.Tensor]) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Gradients of each layer's kernel and bias from those of its gates at all steps, (T, B, 4U)."""
        inputs = tf.concat([self._embedded, before(self._zeros(self._fed_size), self.fed)], -1)
        kernels, biases = [], []
        for layer, gates in enumerate(d_gates):
            outputs = self._saved[layer].h.stack()
            seen = inputs * self._masks[layer] if self._masks else inputs
            d_kernel, d_bias = weight_gradients([seen, before(self._state[layer].h, outputs)], gates)
            kernels.append(d_kernel)
            biases.append(d_bias)
            inputs = outputs + inputs if layer >= self._layers.first_residual else outputs
        return kernels, biases
