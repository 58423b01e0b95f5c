"""Token files → shuffled, bucketed, padded batches of ids, in NumPy.

The order of batches depends on the seed and the step alone, so that a resumed run sees what an uninterrupted one
would have seen. A corpus is held once, as flat arrays; batches are cut out of it as they are needed.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.nmt.errors import NmtError
from core.nmt.hparams import HParams
from core.nmt.vocab import EOS_ID, SOS_ID, ByteVocab, SourceVocab, Vocab

Ids = NDArray[np.int32]


class Corpus(NamedTuple):
    """Sentence pairs as two flat arrays of ids: pair i lies at `src[src_at[i]:src_at[i + 1]]`, likewise `tgt`.

    With `--use_char_encode` the ids of `src` are rows of `spelling`, (distinct tokens, bytes of a token): a token's
    letters are kept once, however often it occurs. `references` are the target's lines as they stand in the file,
    to score answers against; a corpus to train on has none.
    """

    src: Ids
    src_at: NDArray[np.int64]
    tgt: Ids
    tgt_at: NDArray[np.int64]
    spelling: Ids | None = None
    references: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.src_at) - 1

    def sources(self) -> list[Ids]:
        """Every source sentence, (its tokens,), or (its tokens, bytes of a token) when it is spelt."""
        rows = (self.src[a:b] for a, b in zip(self.src_at, self.src_at[1:], strict=False))
        return list(rows) if self.spelling is None else [self.spelling[row] for row in rows]

    def targets(self) -> list[Ids]:
        """Every target sentence, (its tokens,)."""
        return [self.tgt[a:b] for a, b in zip(self.tgt_at, self.tgt_at[1:], strict=False)]


def read_tokens(path: Path) -> Iterator[list[str]]:
    """The tokens of each line. Raises `NmtError` when the file can't be read."""
    return (line.split() for line in read_lines(path))


def read_lines(path: Path) -> Iterator[str]:
    """Each line, without its end. Raises `NmtError` when the file can't be read."""
    try:
        with path.open(encoding="utf-8", newline="\n") as lines:
            for line in lines:
                yield line.removesuffix("\n")
    except FileNotFoundError as error:
        raise NmtError(f"no file {path}: check the flag that names it") from error
    except (OSError, UnicodeDecodeError) as error:
        raise NmtError(f"can't read {path}: {error}") from error


def read_corpus(prefix: Path, hparams: HParams, src_vocab: SourceVocab, tgt_vocab: Vocab, *, training: bool) -> Corpus:
    """Read `prefix.<src>` and `prefix.<tgt>`; pairs with an empty side are skipped.

    For `training` sentences are cut to `src_max_len` and `tgt_max_len`, and the first `max_train` pairs are taken.
    To be scored they are read as they are, all of them: a score against half a reference would say nothing.
    A language model reads `prefix.<tgt>` alone, as both sides.

    Raises `NmtError` when a file is missing, the two have not the same number of lines, or nothing is left.
    """
    suffixes = (hparams.tgt if hparams.language_model else hparams.src, hparams.tgt)
    src_path, tgt_path = (prefix.with_name(f"{prefix.name}.{suffix}") for suffix in suffixes)
    src_limit, tgt_limit = (hparams.src_max_len or None, hparams.tgt_max_len or None) if training else (None, None)
    most = hparams.max_train if training else 0
    numbers = src_vocab if isinstance(src_vocab, Vocab) else _Numbering()
    src, tgt = _FlatIds(), _FlatIds()
    references = []
    sources, targets = read_tokens(src_path), read_lines(tgt_path)
    for source in sources:
        line = next(targets, None)
        if line is None:
            raise NmtError(f"{src_path} has more lines than {tgt_path}: line N of one belongs to line N of the other")
        target = line.split()
        if source and target and not (most and len(src) >= most):
            src.append(numbers.numbers(source[:src_limit]))
            tgt.append(tgt_vocab.numbers(target[:tgt_limit]))
            if not training:
                references.append(line)
    if next(targets, None) is not None:
        raise NmtError(f"{tgt_path} has more lines than {src_path}: line N of one belongs to line N of the other")
    if not len(src):
        raise NmtError(f"{src_path} and {tgt_path} hold no pair with tokens on both sides: nothing to learn from")
    spelling = src_vocab.ids(numbers.tokens()) if isinstance(numbers, _Numbering) else None
    return Corpus(*src.arrays(), *tgt.arrays(), spelling, tuple(references))


class _Numbering:
    """Numbers for tokens as they come, so that a token that comes again needs no new letters."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def numbers(self, tokens: Sequence[str]) -> list[int]:
        return [self._numbers.setdefault(token, len(self._numbers)) for token in tokens]

    def tokens(self) -> list[str]:
        return list(self._numbers)


class _FlatIds:
    """Rows of ids, one after another in one array, so a million pairs need no million objects."""

    def __init__(self) -> None:
        self._ids = array("i")
        self._ends = array("q", [0])

    def append(self, row: list[int]) -> None:
        self._ids.extend(row)
        self._ends.append(len(self._ids))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def arrays(self) -> tuple[Ids, NDArray[np.int64]]:
        return np.frombuffer(self._ids, np.int32), np.frombuffer(self._ends, np.int64)


def batch_arrays(
    sources: Sequence[Ids], targets: Sequence[Ids], *, sos_id: int = SOS_ID, eos_id: int = EOS_ID
) -> tuple[Ids, ...]:
    """Pad pairs to one batch, the arrays of `model.Batch` in their order."""
    src, src_lengths = pad(sources, eos_id)
    tgt_in, tgt_lengths = pad([np.concatenate([[sos_id], row]) for row in targets], eos_id)
    tgt_out, _ = pad([np.concatenate([row, [eos_id]]) for row in targets], eos_id)
    return src, src_lengths, tgt_in, tgt_out, tgt_lengths


def pad(rows: Sequence[Ids], eos_id: int = EOS_ID) -> tuple[Ids, Ids]:
    """Rows of ids → (B, longest) padded with `</s>`, at least one column wide, and lengths (B,).

    Rows of spelt tokens, (tokens, bytes), give (B, longest, bytes), padded with tokens without letters.
    """
    lengths = np.array([len(row) for row in rows], np.int32)
    letters = rows[0].shape[1:] if rows else ()
    padded = np.full(
        (len(rows), max(1, lengths.max(initial=0)), *letters), ByteVocab.FILL if letters else eos_id, np.int32
    )
    for i, row in enumerate(rows):
        padded[i, : len(row)] = row
    return padded, lengths


def join_corpora(corpora: Sequence[Corpus]) -> Corpus:
    """The pairs of all `corpora`, one after another, without references."""

    def places(ends: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
        return np.concatenate([[0], np.cumsum(np.concatenate([np.diff(at) for at in ends]))]).astype(np.int64)

    spellings = [corpus.spelling for corpus in corpora if corpus.spelling is not None]
    # Each corpus counts its spelt tokens from 0.
    firsts = np.cumsum([0, *map(len, spellings)][: len(corpora)]) if spellings else [0] * len(corpora)
    return Corpus(
        src=np.concatenate([corpus.src + np.int32(first) for corpus, first in zip(corpora, firsts, strict=True)]),
        src_at=places([corpus.src_at for corpus in corpora]),
        tgt=np.concatenate([corpus.tgt for corpus in corpora]),
        tgt_at=places([corpus.tgt_at for corpus in corpora]),
        spelling=np.concatenate(spellings) if spellings else None,
    )


class TrainingData:
    """Endless training batches, each epoch in an order of its own, pairs of like length together."""

    def __init__(self, corpus: Corpus, hparams: HParams, *, sos_id: int = SOS_ID, eos_id: int = EOS_ID) -> None:
        self.corpus = corpus
        self._hparams = hparams
        self._sos_id = sos_id
        self._eos_id = eos_id
        self._src_lengths, self._tgt_lengths = np.diff(corpus.src_at), np.diff(corpus.tgt_at)
        self._buckets = self._bucket_of_each()
        sizes = np.bincount(self._buckets, minlength=hparams.num_buckets)
        self.batches_per_epoch = int(np.ceil(sizes / hparams.batch_size).sum())

    def batches_from(self, step: int) -> Iterator[tuple[Ids, ...]]:
        """Batches as `model.Batch` tuples, from that of `step` (0 is the training's first) on, without end."""
        return map(self.batch, self.rows_from(step))

    def rows_from(self, step: int) -> Iterator[NDArray[np.int64]]:
        """Likewise, the numbers of each batch's pairs alone, (B,)."""
        epoch, done = divmod(step, self.batches_per_epoch)
        while True:
            yield from self._epoch(epoch)[done:]
            epoch, done = epoch + 1, 0

    def batch(self, rows: NDArray[np.int64]) -> tuple[Ids, ...]:
        """`rows` (B,) numbers of pairs → the arrays of `model.Batch`."""
        return cut_batch(self.corpus, rows, sos_id=self._sos_id, eos_id=self._eos_id)

    def _bucket_of_each(self) -> NDArray[np.int64]:
        """As tensorflow/nmt: the longer side decides, in equal steps up to `src_max_len`."""
        longest = self._hparams.src_max_len or int(self._src_lengths.max())
        width = -(-longest // self._hparams.num_buckets)
        longer = np.maximum(self._src_lengths, self._tgt_lengths)
        buckets: NDArray[np.int64] = np.minimum(longer // width, self._hparams.num_buckets - 1)
        return buckets

    def _epoch(self, epoch: int) -> list[NDArray[np.int64]]:
        """The numbers of the pairs of each batch of an epoch: full batches of one bucket, and one of its rest."""
        shuffle = np.random.Generator(np.random.Philox(key=[self._hparams.random_seed, epoch]))
        order = self._by_length(shuffle.permutation(len(self.corpus)))
        batches: list[NDArray[np.int64]] = []
        for bucket in np.split(order, np.cumsum(np.bincount(self._buckets))[:-1]):
            batches += np.split(bucket, range(self._hparams.batch_size, len(bucket), self._hparams.batch_size))
        filled = [rows for rows in batches if len(rows)]
        return [filled[i] for i in shuffle.permutation(len(filled))]

    def _by_length(self, order: NDArray[np.int64]) -> NDArray[np.int64]:
        """`order` bucket by bucket, and in a bucket by length, so that a batch of it holds little padding.

        Targets grow, and from one of their lengths to the next sources grow and shrink in turn, so that neighbours
        are of like length on both sides. Those of equal lengths stay in the order that they came in. With one
        bucket nothing is sorted: whoever asks for it wants batches drawn from the whole corpus.
        """
        if self._hparams.num_buckets == 1:
            return order
        src, tgt = self._src_lengths[order], self._tgt_lengths[order]
        return order[np.lexsort((np.where(tgt % 2, -src, src), tgt, self._buckets[order]))]


def cut_batch(
    corpus: Corpus, rows: NDArray[np.int64], *, sos_id: int = SOS_ID, eos_id: int = EOS_ID
) -> tuple[Ids, ...]:
    """`rows` (B,) numbers of pairs → the arrays of `model.Batch`."""
    spelling = corpus.spelling
    src, src_lengths = _cut(corpus.src, corpus.src_at, rows, eos_id if spelling is None else 0)
    tgt, tgt_lengths = _cut(corpus.tgt, corpus.tgt_at, rows, eos_id)
    edge = np.ones((len(rows), 1), np.int32)
    tgt_in = np.concatenate([edge * sos_id, tgt], 1)
    # Padding is </s> already, so this ends short rows too.
    tgt_out = np.concatenate([tgt, edge * eos_id], 1)
    return src if spelling is None else spelling[src], src_lengths, tgt_in, tgt_out, tgt_lengths + 1


def _cut(ids: Ids, at: NDArray[np.int64], rows: NDArray[np.int64], padding: int) -> tuple[Ids, Ids]:
    """Sentences `rows` (B,) of a flat array → (B, longest), padded, and their lengths (B,)."""
    starts = at[rows]
    lengths = (at[rows + 1] - starts).astype(np.int32)
    columns = np.arange(lengths.max())
    inside = columns < lengths[:, np.newaxis]
    padded = np.full(inside.shape, padding, np.int32)
    padded[inside] = ids[(starts[:, np.newaxis] + columns)[inside]]
    return padded, lengths
