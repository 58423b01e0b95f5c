"""Token files → shuffled, bucketed, padded batches of ids, with `tf.data`.

The order of batches depends on the seed and the step alone, so that a resumed run sees what an uninterrupted one
would have seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from core.nmt.errors import NmtError
from core.nmt.hparams import HParams
from core.nmt.vocab import EOS_ID, SOS_ID, Vocab


class Corpus(NamedTuple):
    """Sentence pairs as two flat arrays of ids: pair i lies at `src[src_at[i]:src_at[i + 1]]`, likewise `tgt`."""

    src: NDArray[np.int32]
    src_at: NDArray[np.int64]
    tgt: NDArray[np.int32]
    tgt_at: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.src_at) - 1


def read_tokens(path: Path) -> Iterator[list[str]]:
    """The tokens of each line. Raises `NmtError` when the file can't be read."""
    try:
        with path.open(encoding="utf-8", newline="\n") as lines:
            for line in lines:
                yield line.split()
    except FileNotFoundError as error:
        raise NmtError(f"no file {path}: check the flag that names it") from error
    except (OSError, UnicodeDecodeError) as error:
        raise NmtError(f"can't read {path}: {error}") from error


def read_corpus(prefix: Path, hparams: HParams, src_vocab: Vocab, tgt_vocab: Vocab, *, training: bool) -> Corpus:
    """Read `prefix.<src>` and `prefix.<tgt>`; pairs with an empty side are skipped.

    For `training` sentences are cut to `src_max_len` and `tgt_max_len`, and the first `max_train` pairs are taken.
    To be scored they are read as they are, all of them: a score against half a reference would say nothing.

    Raises `NmtError` when a file is missing, the two have not the same number of lines, or nothing is left.
    """
    src_path, tgt_path = (prefix.with_name(f"{prefix.name}.{suffix}") for suffix in (hparams.src, hparams.tgt))
    src_limit, tgt_limit = (hparams.src_max_len or None, hparams.tgt_max_len or None) if training else (None, None)
    most = hparams.max_train if training else 0
    src, tgt = _FlatIds(), _FlatIds()
    sources, targets = read_tokens(src_path), read_tokens(tgt_path)
    for source in sources:
        target = next(targets, None)
        if target is None:
            raise NmtError(f"{src_path} has more lines than {tgt_path}: line N of one belongs to line N of the other")
        if source and target and not (most and len(src) >= most):
            src.append(src_vocab.ids(source[:src_limit]))
            tgt.append(tgt_vocab.ids(target[:tgt_limit]))
    if next(targets, None) is not None:
        raise NmtError(f"{tgt_path} has more lines than {src_path}: line N of one belongs to line N of the other")
    if not len(src):
        raise NmtError(f"{src_path} and {tgt_path} hold no pair with tokens on both sides: nothing to learn from")
    return Corpus(*src.arrays(), *tgt.arrays())


class _FlatIds:
    """Rows of ids, gathered in one array that grows by doubling, so a million pairs need no million objects."""

    def __init__(self) -> None:
        self._ids = np.empty(1 << 16, np.int32)
        self._ends = [0]

    def append(self, row: NDArray[np.int32]) -> None:
        end = self._ends[-1] + len(row)
        while end > len(self._ids):
            self._ids = np.concatenate([self._ids, np.empty_like(self._ids)])
        self._ids[self._ends[-1] : end] = row
        self._ends.append(end)

    def __len__(self) -> int:
        return len(self._ends) - 1

    def arrays(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        return self._ids[: self._ends[-1]].copy(), np.array(self._ends, np.int64)


def batch_arrays(
    sources: Sequence[NDArray[np.int32]], targets: Sequence[NDArray[np.int32]]
) -> tuple[NDArray[np.int32], ...]:
    """Pad pairs to one batch, the arrays of `model.Batch` in their order."""
    src, src_lengths = pad(sources)
    tgt_in, tgt_lengths = pad([np.concatenate([[SOS_ID], row]) for row in targets])
    tgt_out, _ = pad([np.concatenate([row, [EOS_ID]]) for row in targets])
    return src, src_lengths, tgt_in, tgt_out, tgt_lengths


def pad(rows: Sequence[NDArray[np.int32]]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Rows of ids → (B, longest) padded with `</s>`, at least one column wide, and lengths (B,)."""
    lengths = np.array([len(row) for row in rows], np.int32)
    padded = np.full((len(rows), max(1, lengths.max(initial=0))), EOS_ID, np.int32)
    for i, row in enumerate(rows):
        padded[i, : len(row)] = row
    return padded, lengths


class TrainingData:
    """Endless training batches, each epoch in an order of its own, pairs of like length together."""

    def __init__(self, corpus: Corpus, hparams: HParams) -> None:
        self.corpus = corpus
        self._hparams = hparams
        self._buckets = self._bucket_of_each()
        sizes = np.bincount(self._buckets, minlength=hparams.num_buckets)
        self.batches_per_epoch = int(np.ceil(sizes / hparams.batch_size).sum())

    def batches_from(self, step: int) -> tf.data.Dataset:
        """Batches as `model.Batch` tuples, from that of `step` (0 is the training's first) on, without end."""
        epoch, done = divmod(step, self.batches_per_epoch)
        batches = tf.data.Dataset.counter(epoch).flat_map(self._epoch)
        return batches.skip(done).prefetch(4)

    def _bucket_of_each(self) -> NDArray[np.int64]:
        """As tensorflow/nmt: the longer side decides, in equal steps up to `src_max_len`."""
        src, tgt = np.diff(self.corpus.src_at), np.diff(self.corpus.tgt_at)
        longest = self._hparams.src_max_len or int(src.max())
        width = -(-longest // self._hparams.num_buckets)
        buckets: NDArray[np.int64] = np.minimum(np.maximum(src, tgt) // width, self._hparams.num_buckets - 1)
        return buckets

    def _epoch(self, epoch: tf.Tensor) -> tf.data.Dataset:
        hparams, buckets = self._hparams, tf.constant(self._buckets)
        seed = tf.stack([tf.constant(hparams.random_seed, tf.int64), epoch])
        order = tf.random.experimental.stateless_shuffle(tf.range(len(self.corpus), dtype=tf.int64), seed)
        grouped = tf.data.Dataset.from_tensor_slices(order).group_by_window(
            lambda i: buckets[i],
            lambda _, window: window.batch(hparams.batch_size),
            window_size=hparams.batch_size,
        )
        return grouped.map(self._pad, num_parallel_calls=1, deterministic=True)

    def _pad(self, rows: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """`rows` (B,) numbers of pairs → the tensors of `model.Batch`."""
        src, src_lengths = self._take(self.corpus.src, self.corpus.src_at, rows)
        tgt, tgt_lengths = self._take(self.corpus.tgt, self.corpus.tgt_at, rows)
        edge = tf.ones_like(rows, tf.int32)[:, tf.newaxis]
        tgt_in = tf.concat([edge * SOS_ID, tgt], 1)
        tgt_out = tf.concat([tgt, edge * EOS_ID], 1)  # padding is </s> already, so this holds for short rows too
        return src, src_lengths, tgt_in, tgt_out, tgt_lengths + 1

    @staticmethod
    def _take(ids: NDArray[np.int32], at: NDArray[np.int64], rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        starts, ends = tf.gather(tf.constant(at), rows), tf.gather(tf.constant(at), rows + 1)
        lengths = ends - starts
        ragged = tf.RaggedTensor.from_row_lengths(
            tf.gather(tf.constant(ids), tf.ragged.range(starts, ends).flat_values), lengths
        )
        return ragged.to_tensor(default_value=EOS_ID), tf.cast(lengths, tf.int32)
