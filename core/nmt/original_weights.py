"""Weights that tensorflow/nmt trained, a TensorFlow 1 checkpoint, as those of this engine.

Both have the same matrices in the same layout, under other names; this module knows which is which. It finds no files
and builds no model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from core.nmt.attention import BahdanauAttention, LuongAttention
from core.nmt.cells import GRUCell, LSTMCell
from core.nmt.embeddings import AnyEmbedding, Embedding, PretrainedEmbedding
from core.nmt.encoders import BiEncoder, GNMTEncoder, UniEncoder
from core.nmt.errors import NmtError, first_line
from core.nmt.layer_norm_lstm import LayerNormLSTMCell
from core.nmt.model import Seq2Seq
from core.nmt.nas_cell import NASCell
from core.nmt.optimizers import Adam, Optimizer

_ROOT = "dynamic_seq2seq"
# A variable without a name of its own is called so by TensorFlow 1: the training step.
_STEP = "Variable"
_ADAM = {"first": "/Adam", "second": "/Adam_1"}
_ADAM_POWERS = {"beta1_power": 0.9, "beta2_power": 0.999}
# What TensorFlow raises for a checkpoint that is damaged or cut short.
_UNREADABLE = (tf.errors.OpError, RuntimeError, ValueError, IndexError)
_LAYER_NORM_GATES = ("input", "transform", "forget", "output")


@dataclass(frozen=True, slots=True)
class Source:
    """Where one of our variables is in the checkpoint: under one name, or in rows under several.

    `partitions` above 1: its rows, (V, U), are dealt out to so many pieces that lie one after the other.
    """

    variable: tf.Variable
    names: tuple[str, ...]
    partitions: int = 1


class OriginalCheckpoint:
    """The tensors of one TensorFlow 1 checkpoint, and which of them have been used.

    Raises `NmtError` when it can't be read.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        try:
            self._reader = tf.train.load_checkpoint(prefix)
            self.shapes: Mapping[str, Sequence[int]] = self._reader.get_variable_to_shape_map()
        except _UNREADABLE as error:
            raise NmtError(f"can't read the checkpoint {prefix}: {first_line(error)}") from error

    @property
    def step(self) -> int:
        """The step that training had reached."""
        return int(self.tensor(_STEP)) if _STEP in self.shapes else 0

    def tensor(self, name: str) -> NDArray[Any]:
        """The values under `name`. Raises `NmtError` when there are none, or they are damaged."""
        if name not in self.shapes:
            raise NmtError(f"{self._prefix} holds no {name}: it is of another model than its hparams describe")
        try:
            values: NDArray[Any] = self._reader.get_tensor(name)
        except _UNREADABLE as error:
            raise NmtError(f"{name} in {self._prefix} is damaged: {first_line(error)}") from error
        return values

    def values(self, source: Source, suffix: str = "") -> NDArray[Any]:
        """What belongs into `source.variable`, or into its optimizer's slot of this `suffix`.

        Raises `NmtError` when it has not that variable's shape.
        """
        parts = [self.tensor(name + suffix) for name in source.names]
        values = parts[0] if len(parts) == 1 else np.stack(parts)
        if values.shape != tuple(source.variable.shape):
            raise NmtError(
                f"{' and '.join(source.names)} in {self._prefix} is of shape {values.shape}, "
                f"and with its hparams and vocabularies must be {tuple(source.variable.shape)}"
            )
        return values[_dealt_rows(len(values), source.partitions)] if source.partitions > 1 else values

    def check_all_used(self, sources: Iterable[Source]) -> None:
        """Raise `NmtError` for a variable that none of `sources` needs, optimizers' own aside."""
        known = {_STEP, *_ADAM_POWERS, *(name for source in sources for name in source.names)}
        slots = tuple(_ADAM.values())
        unknown = sorted(name for name in self.shapes if name not in known and not name.endswith(slots))
        if unknown:
            raise NmtError(
                f"{self._prefix} holds {', '.join(unknown[:3])}{' and more' if unknown[3:] else ''}, "
                "which its hparams do not account for: check them"
            )


def read_weights(checkpoint: OriginalCheckpoint, model: Seq2Seq, partitions: int = 0) -> None:
    """Fill `model` from `checkpoint`; `partitions` is the original's `num_embeddings_partitions`.

    Raises `NmtError` when they don't fit, and names what does not.
    """
    sources = list(sources_of(model, partitions))
    checkpoint.check_all_used(sources)
    for source in sources:
        source.variable.assign(checkpoint.values(source))


def read_optimizer(checkpoint: OriginalCheckpoint, model: Seq2Seq, optimizer: Optimizer, partitions: int = 0) -> None:
    """Fill Adam's moments from `checkpoint`, so that training goes on as if it had not been interrupted.

    Does nothing for another optimizer, or where the checkpoint has none.
    """
    if not isinstance(optimizer, Adam) or any(name not in checkpoint.shapes for name in _ADAM_POWERS):
        return
    sources = {source.variable.ref(): source for source in sources_of(model, partitions)}
    for i, variable in enumerate(model.trainable_variables):
        source = sources[variable.ref()]
        for moments, suffix in _ADAM.items():
            getattr(optimizer, moments)[i].assign(checkpoint.values(source, suffix))
    for name, beta in _ADAM_POWERS.items():
        # Ours are β to the number of steps done; TensorFlow 1 keeps what the next step will use.
        getattr(optimizer, name).assign(float(checkpoint.tensor(name)) / beta)


def sources_of(model: Seq2Seq, partitions: int = 0) -> Iterator[Source]:
    """Where each variable of `model` is in a checkpoint of the original."""
    yield from _embeddings(model, max(1, partitions))
    if model.encoder is not None:
        yield from _encoder(model)
    yield from _decoder(model)
    yield Source(model.projection, (f"{_ROOT}/decoder/output_projection/kernel",))


def _embeddings(model: Seq2Seq, partitions: int) -> Iterator[Source]:
    if model.hparams.share_vocab:
        yield _embedding(model.target_embedding, "embeddings", "embedding_share", partitions)
        return
    for side, embedding in (("encoder", model.source_embedding), ("decoder", model.target_embedding)):
        yield _embedding(embedding, f"embeddings/{side}", f"embedding_{side}", partitions)


def _embedding(embedding: AnyEmbedding, scope: str, name: str, partitions: int) -> Source:
    if isinstance(embedding, Embedding):
        return Source(embedding.table, (f"{scope}/{name}",), partitions)
    if isinstance(embedding, PretrainedEmbedding):
        # The fixed rows are no variable there: they are read from the embedding file at every start.
        return Source(embedding.learned, (f"{scope}/pretrain_embeddings/emb_mat_var",))
    raise NmtError("tensorflow/nmt has no model with --use_char_encode: it leaves the embedding to its caller")


def _encoder(model: Seq2Seq) -> Iterator[Source]:
    scope, encoder = f"{_ROOT}/encoder", model.encoder
    if isinstance(encoder, UniEncoder):
        yield from _cells(encoder.layers.cells, f"{scope}/rnn")
    if isinstance(encoder, BiEncoder | GNMTEncoder):
        yield from _cells(encoder.forward.cells, f"{scope}/bidirectional_rnn/fw")
        yield from _cells(encoder.backward.cells, f"{scope}/bidirectional_rnn/bw")
    if isinstance(encoder, GNMTEncoder):
        yield from _cells(encoder.upper.cells, f"{scope}/rnn")


def _decoder(model: Seq2Seq) -> Iterator[Source]:
    scope, decoder, hparams = f"{_ROOT}/decoder", model.decoder, model.hparams
    if decoder.mechanism is None:
        yield from _cells(decoder.cells, scope)
    elif hparams.attention_architecture == "standard":
        yield from _attention(decoder.mechanism, f"{scope}/attention")
        yield Source(decoder.attention_kernel, (f"{scope}/attention/attention_layer/kernel",))
        yield from _cells(decoder.cells, f"{scope}/attention")
    else:
        bottom = f"{scope}/multi_rnn_cell/cell_0_attention/attention"
        yield from _attention(decoder.mechanism, bottom)
        yield from _cell(decoder.cells[0], bottom)
        for i, cell in enumerate(decoder.cells[1:], start=1):
            yield from _cell(cell, f"{scope}/multi_rnn_cell/cell_{i}")


def _attention(mechanism: Any, scope: str) -> Iterator[Source]:
    yield Source(mechanism.memory_kernel, (f"{_ROOT}/decoder/memory_layer/kernel",))
    if isinstance(mechanism, LuongAttention) and mechanism.scale is not None:
        yield Source(mechanism.scale, (f"{scope}/luong_attention/attention_g",))
    if isinstance(mechanism, BahdanauAttention):
        scope = f"{scope}/bahdanau_attention"
        yield Source(mechanism.query_kernel, (f"{scope}/query_layer/kernel",))
        yield Source(mechanism.v, (f"{scope}/attention_v",))
        if mechanism.g is not None:
            yield Source(mechanism.g, (f"{scope}/attention_g",))
            yield Source(mechanism.bias, (f"{scope}/attention_b",))


def _cells(cells: Sequence[Any], scope: str) -> Iterator[Source]:
    """One layer stands for itself there, several are numbered."""
    for i, cell in enumerate(cells):
        yield from _cell(cell, f"{scope}/multi_rnn_cell/cell_{i}" if len(cells) > 1 else scope)


def _cell(cell: Any, scope: str) -> Iterator[Source]:
    if isinstance(cell, LSTMCell):
        yield Source(cell.kernel, (f"{scope}/basic_lstm_cell/kernel",))
        yield Source(cell.bias, (f"{scope}/basic_lstm_cell/bias",))
    elif isinstance(cell, GRUCell):
        yield Source(cell.gates_kernel, (f"{scope}/gru_cell/gates/kernel",))
        yield Source(cell.gates_bias, (f"{scope}/gru_cell/gates/bias",))
        yield Source(cell.kernel, (f"{scope}/gru_cell/candidate/kernel",))
        yield Source(cell.bias, (f"{scope}/gru_cell/candidate/bias",))
    elif isinstance(cell, LayerNormLSTMCell):
        scope = f"{scope}/layer_norm_basic_lstm_cell"
        yield Source(cell.kernel, (f"{scope}/kernel",))
        for variable, name in ((cell.gamma, "gamma"), (cell.beta, "beta")):
            yield Source(variable, tuple(f"{scope}/{gate}/{name}" for gate in _LAYER_NORM_GATES))
        yield Source(cell.state_gamma, (f"{scope}/state/gamma",))
        yield Source(cell.state_beta, (f"{scope}/state/beta",))
    elif isinstance(cell, NASCell):
        yield Source(cell.kernel, (f"{scope}/nas_cell/kernel",))
        yield Source(cell.recurrent_kernel, (f"{scope}/nas_cell/recurrent_kernel",))


def _dealt_rows(vocab_size: int, partitions: int) -> NDArray[np.int64]:
    """Row of id i of `vocab_size`, when ids are dealt out to `partitions` pieces like cards.

    The checkpoint holds the pieces one after the other, the first ones a row longer where it does not come out even;
    id i is row i // partitions of piece i mod partitions, TensorFlow 1's "mod" strategy.
    """
    ids = np.arange(vocab_size)
    piece, row = ids % partitions, ids // partitions
    least, longer = divmod(vocab_size, partitions)
    rows: NDArray[np.int64] = piece * least + np.minimum(piece, longer) + row
    return rows
