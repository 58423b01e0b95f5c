"""Encoders: embedded source tokens → what attention looks at, and the state that the decoder starts with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from core.nmt.cells import make_cell
from core.nmt.embeddings import Initializer
from core.nmt.hparams import HParams
from core.nmt.recurrence import Cell, CellState


class Encoded(NamedTuple):
    """`outputs` (B, S, M), M = U, or 2U when read both ways; `state`: one `CellState` a layer."""

    outputs: tf.Tensor
    state: tuple[CellState, ...]


class Dropout(NamedTuple):
    """Dropout with masks that depend on the seed alone: the same step of a resumed run drops the same."""

    rate: float
    seed: tf.Tensor  # (2,), int32

    def __call__(self, inputs: tf.Tensor, salt: int) -> tf.Tensor:
        """`inputs` with a share `rate` set to zero and the rest scaled up; `salt` tells apart the places of a model."""
        if self.rate == 0:
            return inputs
        seed = tf.random.experimental.stateless_fold_in(self.seed, salt)
        return tf.nn.experimental.stateless_dropout(inputs, self.rate, seed, rng_alg="philox")


class LayerStack(tf.Module):  # type: ignore[misc]
    """Layers over a whole sequence, each from the outputs of the one below, with dropout before each."""

    def __init__(self, hparams: HParams, layers: int, input_size: int, init: Initializer, name: str) -> None:
        super().__init__(name=name)
        units = hparams.num_units
        self.cells: Sequence[Cell] = [
            make_cell(hparams.unit_type, units if i else input_size, units, hparams.forget_bias, init, f"layer_{i}")
            for i in range(layers)
        ]
        # The bottom layer has none: its input is an embedding, or, above a layer that reads both ways, of twice the
        # size of its output.
        self.first_residual = 1 if hparams.residual else layers

    def __call__(
        self, inputs: tf.Tensor, lengths: tf.Tensor, dropout: Dropout | None, salt: int
    ) -> tuple[tf.Tensor, list[CellState]]:
        """`inputs` (S, B, I), `lengths` (B,) → (S, B, U), and each layer's last state."""
        states = []
        for i, cell in enumerate(self.cells):
            outputs, state = cell.sequence(dropout(inputs, salt + i) if dropout else inputs, lengths)
            inputs = outputs + inputs if i >= self.first_residual else outputs
            states.append(state)
        return inputs, states


class UniEncoder(tf.Module):  # type: ignore[misc]
    """Reads left to right."""

    def __init__(self, hparams: HParams, input_size: int, init: Initializer) -> None:
        super().__init__(name="encoder")
        self.layers = LayerStack(hparams, hparams.encoder_layers, input_size, init, "forward")
        self.output_size = hparams.num_units

    def __call__(self, embedded: tf.Tensor, lengths: tf.Tensor, dropout: Dropout | None) -> Encoded:
        """`embedded` (S, B, E), time-major, `lengths` (B,) → `Encoded`."""
        outputs, states = self.layers(embedded, lengths, dropout, salt=0)
        return Encoded(tf.transpose(outputs, (1, 0, 2)), tuple(states))


def read_both_ways(
    forward: LayerStack, backward: LayerStack, embedded: tf.Tensor, lengths: tf.Tensor, dropout: Dropout | None
) -> tuple[tf.Tensor, list[CellState], list[CellState]]:
    """Two stacks over `embedded` (S, B, E), one from each row's first token on, the other from its last.

    Outputs (S, B, 2U), forward before backward, and each stack's last states.
    """
    flip = {"seq_lengths": lengths, "seq_axis": 0, "batch_axis": 1}
    ahead, states = forward(embedded, lengths, dropout, salt=0)
    back, back_states = backward(tf.reverse_sequence(embedded, **flip), lengths, dropout, salt=500)
    return tf.concat([ahead, tf.reverse_sequence(back, **flip)], -1), states, back_states


class BiEncoder(tf.Module):  # type: ignore[misc]
    """Reads both ways, half of the layers each, as tensorflow/nmt does.

    The decoder's layers start from the states in turn: forward 0, backward 0, forward 1, backward 1, …
    """

    def __init__(self, hparams: HParams, input_size: int, init: Initializer) -> None:
        super().__init__(name="encoder")
        layers, units = hparams.encoder_layers // 2, hparams.num_units
        self.forward = LayerStack(hparams, layers, input_size, init, "forward")
        self.backward = LayerStack(hparams, layers, input_size, init, "backward")
        self.output_size = 2 * units

    def __call__(self, embedded: tf.Tensor, lengths: tf.Tensor, dropout: Dropout | None) -> Encoded:
        """`embedded` (S, B, E), time-major, `lengths` (B,) → `Encoded`."""
        outputs, ahead, back = read_both_ways(self.forward, self.backward, embedded, lengths, dropout)
        turns = tuple(state for pair in zip(ahead, back, strict=True) for state in pair)
        return Encoded(tf.transpose(outputs, (1, 0, 2)), turns)


class GNMTEncoder(tf.Module):  # type: ignore[misc]
    """Wu et al. (2016), "Google's Neural Machine Translation System", section 3.2.

    One layer reads both ways, and the layers above it read its outputs, (S, B, 2U), left to right. As in
    tensorflow/nmt the decoder's bottom layer starts from the backward state, the others from the layers above;
    the forward state goes nowhere. Residual connections begin at the second layer above the bidirectional one.
    """

    def __init__(self, hparams: HParams, input_size: int, init: Initializer) -> None:
        super().__init__(name="encoder")
        units = hparams.num_units
        self.forward = LayerStack(hparams, 1, input_size, init, "forward")
        self.backward = LayerStack(hparams, 1, input_size, init, "backward")
        self.upper = LayerStack(hparams, hparams.encoder_layers - 1, 2 * units, init, "upper")
        self.output_size = units

    def __call__(self, embedded: tf.Tensor, lengths: tf.Tensor, dropout: Dropout | None) -> Encoded:
        """`embedded` (S, B, E), time-major, `lengths` (B,) → `Encoded`."""
        both, _, back = read_both_ways(self.forward, self.backward, embedded, lengths, dropout)
        outputs, states = self.upper(both, lengths, dropout, salt=1)
        return Encoded(tf.transpose(outputs, (1, 0, 2)), (*back, *states))


Encoder = UniEncoder | BiEncoder | GNMTEncoder


def make_encoder(hparams: HParams, init: Initializer, input_size: int | None = None) -> Encoder:
    """The encoder that `--encoder_type` names, for embeddings of `input_size`, U without it."""
    kinds: dict[str, type[Encoder]] = {"gnmt": GNMTEncoder, "bi": BiEncoder, "uni": UniEncoder}
    return kinds[hparams.encoder_type](hparams, input_size or hparams.num_units, init)
