"""Token embeddings: learned, pretrained, or made of a token's letters; and how weights begin."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from core.nmt.errors import NmtError
from core.nmt.hparams import HParams
from core.nmt.vocab import ByteVocab, Vocab

Initializer = Callable[[Sequence[int]], tf.Tensor]

# Standard deviation of what is left of a normal distribution of 1 that is cut off at ±2.
_TRUNCATED = 0.8796256610342398


def make_initializer(hparams: HParams, generator: tf.random.Generator) -> Initializer:
    """A function from a matrix's shape to its first values, drawn from `generator`.

    `uniform` draws from ±init_weight. The Glorot forms draw with variance 2 / (rows + columns): Glorot and Bengio
    (2010), "Understanding the difficulty of training deep feedforward neural networks", Eq. 16.
    """

    def uniform(shape: Sequence[int]) -> tf.Tensor:
        return generator.uniform(shape, -hparams.init_weight, hparams.init_weight)

    def glorot_uniform(shape: Sequence[int]) -> tf.Tensor:
        limit = math.sqrt(6 / (shape[0] + shape[-1]))
        return generator.uniform(shape, -limit, limit)

    def glorot_normal(shape: Sequence[int]) -> tf.Tensor:
        return generator.truncated_normal(shape, stddev=math.sqrt(2 / (shape[0] + shape[-1])) / _TRUNCATED)

    return {"uniform": uniform, "glorot_uniform": glorot_uniform, "glorot_normal": glorot_normal}[hparams.init_op]


class Embedding(tf.Module):  # type: ignore[misc]
    """A row of U numbers for every id."""

    def __init__(self, vocab_size: int, num_units: int, initializer: Initializer, name: str) -> None:
        super().__init__(name=name)
        self.size = num_units
        self.table = tf.Variable(initializer((vocab_size, num_units)), name="table")

    def __call__(self, ids: tf.Tensor) -> tf.Tensor:
        """`ids` (…), int32 → (…, U), float32."""
        return tf.gather(self.table, ids)


class Vectors(NamedTuple):
    """Pretrained rows for a vocabulary of V tokens, of which F have one.

    `fixed` (F, E), float32. `places` (V,), int32, says where a token's row is: below V − F it is that of the rows
    that are learned; the others are fixed row number place − (V − F).
    """

    fixed: NDArray[np.float32]
    places: NDArray[np.int32]

    @classmethod
    def blank(cls, vocab_size: int, fixed: int, size: int) -> Vectors:
        """Vectors of this shape, to be filled from a checkpoint."""
        return cls(np.zeros((fixed, size), np.float32), np.zeros((vocab_size,), np.int32))


def read_vectors(path: Path, vocab: Vocab) -> Vectors:
    """The rows that a GloVe or word2vec text file has for the tokens of `vocab`.

    A line is a token and its numbers, between single spaces; word2vec's first line, the number of tokens and of
    numbers, may be there or not. Lines of another length are passed over. As in tensorflow/nmt the first three
    tokens, `<unk>`, `<s>` and `</s>`, are learned and all others fixed; tokens that the file lacks, with which
    tensorflow/nmt ends, are learned too. Raises `NmtError` for a file that can't be used.
    """
    rows = _read_rows(path, set(vocab.tokens(range(3, len(vocab)))))
    if not rows:
        raise NmtError(f"{path} has no vector for any token of the vocabulary: check --embed_prefix")
    tokens = vocab.tokens(range(len(vocab)))
    learned = len(vocab) - len(rows)
    fixed: list[NDArray[np.float32]] = []
    places = np.zeros(len(vocab), np.int32)
    for i, token in enumerate(tokens):
        if row := rows.get(token) if i > 2 else None:
            places[i] = learned + len(fixed)
            fixed.append(np.array(row, np.float32))
        else:
            places[i] = i - len(fixed)
    return Vectors(np.stack(fixed), places)


def _read_rows(path: Path, wanted: set[str]) -> dict[str, list[float]]:
    """The numbers of each wanted token that the file has; the last, when it is there twice."""
    rows: dict[str, list[float]] = {}
    size: int | None = None
    try:
        with path.open(encoding="utf-8", newline="\n") as lines:
            for number, line in enumerate(lines, start=1):
                token, *numbers = line.rstrip().split(" ")
                if number == 1 and len(numbers) == 1:
                    size = int(numbers[0])
                    continue
                size = size or len(numbers)
                if len(numbers) == size and token in wanted:
                    rows[token] = [float(text) for text in numbers]
    except ValueError as error:  # a UnicodeDecodeError is one too
        raise NmtError(f"{path} is no file of vectors, a token and its numbers a line: {error}") from error
    except OSError as error:
        raise NmtError(f"can't read {path}: {error.strerror or error}: check --embed_prefix") from error
    return rows


class PretrainedEmbedding(tf.Module):  # type: ignore[misc]
    """A row of E numbers for every id, most of them given and never changed."""

    def __init__(self, vectors: Vectors, initializer: Initializer, name: str) -> None:
        super().__init__(name=name)
        fixed, self.size = vectors.fixed.shape
        self._learned = len(vectors.places) - fixed
        self.learned = tf.Variable(initializer((self._learned, self.size)), name="learned")
        self.fixed = tf.Variable(vectors.fixed, trainable=False, name="fixed")
        self.places = tf.Variable(vectors.places, trainable=False, name="places")

    def __call__(self, ids: tf.Tensor) -> tf.Tensor:
        """`ids` (…), int32 → (…, E), float32."""
        places = tf.gather(self.places, ids)
        learned = tf.gather(self.learned, tf.minimum(places, self._learned - 1))
        fixed = tf.gather(self.fixed, tf.maximum(places - self._learned, 0))
        return tf.where(places[..., tf.newaxis] < self._learned, learned, fixed)


class SpellingEmbedding(tf.Module):  # type: ignore[misc]
    """U numbers for a token from its letters, so that no token is unknown: `--use_char_encode`.

    Convolutions over the bytes, the largest value of each over the token, and a linear layer to U: Kim et al. (2016),
    "Character-Aware Neural Language Models", Eq. 5–7, with the widths and numbers of filters of its small model, and
    a linear layer for its highway layer. tensorflow/nmt spells tokens the same way, but leaves what embeds them to
    its caller.
    """

    SIZE = 15
    FILTERS = {1: 25, 2: 50, 3: 75, 4: 100, 5: 125, 6: 150}

    def __init__(self, num_units: int, initializer: Initializer, name: str) -> None:
        super().__init__(name=name)
        self.size = num_units
        self.letters = tf.Variable(initializer((len(ByteVocab()), self.SIZE)), name="letters")
        self.kernels = [tf.Variable(initializer((width * self.SIZE, n))) for width, n in self.FILTERS.items()]
        self.biases = [tf.Variable(tf.zeros((n,))) for n in self.FILTERS.values()]
        self.projection = tf.Variable(initializer((sum(self.FILTERS.values()), num_units)), name="projection")

    def __call__(self, ids: tf.Tensor) -> tf.Tensor:
        """`ids` (…, bytes of a token), int32, as `ByteVocab` spells → (…, U), float32."""
        flat = tf.reshape(ids, (-1, ByteVocab.WIDTH))
        # Nothing is computed where all tokens of the batch have ended already. A padded token has no letter at all.
        lengths = tf.maximum(tf.reduce_sum(tf.cast(flat != ByteVocab.FILL, tf.int32), 1), 1)
        spelt = tf.sequence_mask(lengths)[..., tf.newaxis]  # (N, L, 1)
        letters = tf.gather(self.letters, flat[:, : tf.shape(spelt)[1]]) * tf.cast(spelt, tf.float32)
        found = [
            self._largest(letters, spelt, width, kernel, bias)
            for width, kernel, bias in zip(self.FILTERS, self.kernels, self.biases, strict=True)
        ]
        embedded = tf.tanh(tf.concat(found, -1)) @ self.projection
        return tf.reshape(embedded, tf.concat([tf.shape(ids)[:-1], [self.size]], 0))

    def _largest(
        self, letters: tf.Tensor, spelt: tf.Tensor, width: int, kernel: tf.Tensor, bias: tf.Tensor
    ) -> tf.Tensor:
        """`letters` (N, L, SIZE) → the largest value of each filter over windows that begin in the token, (N, n)."""
        windows = tf.pad(letters, ((0, 0), (0, width - 1), (0, 0)))
        values = tf.nn.conv1d(windows, tf.reshape(kernel, (width, self.SIZE, -1)), 1, "VALID") + bias  # (N, L, n)
        return tf.reduce_max(tf.where(spelt, values, values.dtype.min), 1)


AnyEmbedding = Embedding | PretrainedEmbedding | SpellingEmbedding
