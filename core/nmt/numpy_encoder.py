"""The encoder's layers in NumPy, read in waves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from core.nmt.cells import LSTMCell
from core.nmt.encoders import LayerStack
from core.nmt.numpy_layers import SPARE, Floats, Ids, Indices, LSTMWeights, multiply, run_gates


class Read(NamedTuple):
    """What L layers made of B rows: `outputs` (S, B, U), of no use behind a row's end; `states` and `cells` (B, L, U),
    after each row's last token.
    """

    outputs: Floats
    states: Floats
    cells: Floats


class Stack:
    """Layers that read one way.

    A layer can read a token as soon as it has read the one before and the layer below has read this one. So in each
    wave all layers work at once, each a token behind the one below: S + L waves, not S · L steps.
    """

    def __init__(self, stack: LayerStack, table: Floats) -> None:
        """`table` (V, I): every token's embedding."""
        bottom, *others = (LSTMWeights.of(cell) for cell in stack.cells if isinstance(cell, LSTMCell))
        self.table = table @ bottom.inputs + bottom.bias
        self.kernels = [bottom.state, *(np.concatenate([layer.inputs, layer.state]) for layer in others)]
        self.biases = np.array([np.zeros_like(bottom.bias), *(layer.bias for layer in others)])
        self.first_residual = stack.first_residual
        self.units = bottom.state.shape[0]

    def run(self, ids: Ids, lengths: Indices) -> Read:
        """`ids` (B, S), `lengths` (B,), at least 1 and falling."""
        (count, steps), layers = ids.shape, len(self.kernels)
        waves = _Waves.of(steps, layers, count, self.units, residual=self.first_residual < layers)
        entered = self.table[ids.T]
        active: list[int] = (lengths > np.arange(steps)[:, np.newaxis]).sum(1).tolist()
        for wave in range(steps + layers - 1):
            first, end = max(0, wave - steps + 1), min(layers, wave + 1)
            for i in range(first, end):
                multiply(waves.read(wave, i, active[wave - i]), self.kernels[i], waves.gates[:, i])
            if not first:
                waves.gates[: active[wave], 0] += entered[wave, : active[wave]]
            # Rows that have ended in a lower layer come along: nobody looks at what becomes of them.
            live, working = active[wave - end + 1], slice(first, end)
            gates, cells = waves.gates[:live, working], waves.cells[:, :live, working]
            gates += self.biases[working]
            run_gates(gates, cells[wave], cells[wave + 1], waves.outputs[wave + 1, :live, working])
            if self.first_residual < layers:
                waves.add_residuals(wave, slice(first, end), self.first_residual)
        last = lengths[:, np.newaxis] + np.arange(layers), np.arange(count)[:, np.newaxis], np.arange(layers)
        return Read(waves.said[layers : layers + steps, :, -1], waves.outputs[last], waves.cells[last])


class _Waves(NamedTuple):
    """What has been worked out. At 0 lies what was before the first wave, at w what wave w - 1 came to.

    `outputs` and `cells` (S + L, B, L, U). `said`, of the same shape, is what the layer above reads, and `outputs`
    itself where there are no residual connections. `gates` (B, L, 4U) are those of one wave.
    """

    outputs: Floats
    said: Floats
    cells: Floats
    gates: Floats

    @classmethod
    def of(cls, steps: int, layers: int, count: int, units: int, *, residual: bool) -> _Waves:
        """Before the first wave of so many steps, layers and rows."""
        shape = (steps + layers, count, layers, units)
        outputs, cells = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        gates = np.zeros((count + SPARE, layers, 4 * units), np.float32)
        return cls(outputs, np.zeros_like(outputs) if residual else outputs, cells, gates)

    def read(self, wave: int, layer: int, count: int) -> Floats:
        """What a layer's product is of: what the one below said, beside its own last output."""
        own = self.outputs[wave, :count, layer]
        if not layer:
            return own
        if self.said is self.outputs:  # these lie side by side already
            return self.outputs[wave, :count, layer - 1 : layer + 1].reshape(count, -1)
        return np.concatenate([self.said[wave, :count, layer - 1], own], axis=1)

    def add_residuals(self, wave: int, working: slice, first_residual: int) -> None:
        """Say what these layers came to, from `first_residual` on together with what they read."""
        self.said[wave + 1, :, working] = self.outputs[wave + 1, :, working]
        first = max(working.start, first_residual)
        if first < working.stop:
            self.said[wave + 1, :, first : working.stop] += self.said[wave, :, first - 1 : working.stop - 1]
