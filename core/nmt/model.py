"""The whole model: weights and the two ways through it, teacher forcing and one decoding step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import tensorflow as tf

from core.nmt.attention import Memory
from core.nmt.decoders import DecoderState, make_decoder
from core.nmt.embeddings import (
    AnyEmbedding,
    Embedding,
    Initializer,
    PretrainedEmbedding,
    SpellingEmbedding,
    Vectors,
    make_initializer,
)
from core.nmt.encoders import Dropout, make_encoder
from core.nmt.errors import NmtError
from core.nmt.hparams import HParams
from core.nmt.losses import sampled_cross_entropy, token_cross_entropy

# Salt of the draw of sampled words, apart from those of dropout's masks.
_SAMPLE_SALT = 5000


class Batch(NamedTuple):
    """One padded batch, all int32. Padding holds `</s>`, and lengths say where it begins.

    `source_ids` (B, S), `source_lengths` (B,), `target_input_ids` (B, T) beginning with `<s>`, `target_output_ids`
    (B, T) ending with `</s>`, `target_lengths` (B,) with the `</s>` counted. With `--use_char_encode` `source_ids` are
    (B, S, bytes of a token).
    """

    source_ids: tf.Tensor
    source_lengths: tf.Tensor
    target_input_ids: tf.Tensor
    target_output_ids: tf.Tensor
    target_lengths: tf.Tensor


def batch_signature(hparams: HParams) -> Batch:
    """The `tf.TensorSpec`s of a batch. Shapes are left open, so that one graph serves batches of all sizes."""
    matrix, vector = tf.TensorSpec((None, None), tf.int32), tf.TensorSpec((None,), tf.int32)
    source = tf.TensorSpec((None, None, None), tf.int32) if hparams.use_char_encode else matrix
    return Batch(source, vector, matrix, matrix, vector)


class Start(NamedTuple):
    """What a source comes to: the decoder's `state` before the first token, and the `memory` that attention looks at.

    Every tensor's first axis is the sentence. The memory is the same at every step, and `()` without attention.
    """

    state: DecoderState
    memory: Memory | tuple[()]


class SearchState(NamedTuple):
    """What a search carries from token to token; every tensor's first axis is the hypothesis.

    `alignments` (N, S) are the last step's, (N, 0) without attention; `()` where nobody asks for them.
    """

    decoder: DecoderState
    alignments: tf.Tensor | tuple[()] = ()


class Pretrained(NamedTuple):
    """Embeddings that are given instead of learned; with `--share_vocab` both sides use the source's."""

    source: Vectors | None = None
    target: Vectors | None = None


class Seq2Seq(tf.Module):  # type: ignore[misc]
    """Encoder, attention, decoder and the projection to the target vocabulary.

    Raises `NmtError` for hyperparameters that don't go with these vocabularies.

    Attributes:
        others: with `--members` the models that answer beside this one. They are part of it where weights are saved,
            loaded and taken over; its methods are of this one alone.
    """

    def __init__(
        self, hparams: HParams, src_vocab_size: int, tgt_vocab_size: int, pretrained: Pretrained | None = None
    ) -> None:
        super().__init__(name="seq2seq")
        _check(hparams, src_vocab_size, tgt_vocab_size)
        pretrained = pretrained or Pretrained()
        init = make_initializer(hparams, tf.random.Generator.from_seed(hparams.random_seed, alg="philox"))
        self.hparams = hparams
        self.source_embedding: AnyEmbedding
        if hparams.use_char_encode:
            self.source_embedding = SpellingEmbedding(hparams.num_units, init, "source_embedding")
        else:
            self.source_embedding = _embedding(hparams, src_vocab_size, pretrained.source, init, "source_embedding")
        self.target_embedding = (
            self.source_embedding
            if hparams.share_vocab
            else _embedding(hparams, tgt_vocab_size, pretrained.target, init, "target_embedding")
        )
        # A language model has none: its decoder begins from zeros.
        self.encoder = None if hparams.language_model else make_encoder(hparams, init, self.source_embedding.size)
        memory_size = self.encoder.output_size if self.encoder else 0
        self.decoder = make_decoder(hparams, memory_size, init, self.target_embedding.size)
        self.projection = tf.Variable(init((hparams.num_units, tgt_vocab_size)), name="projection")
        self.others = [
            Seq2Seq(_alone(hparams, number), src_vocab_size, tgt_vocab_size, pretrained)
            for number in range(1, hparams.members)
        ]

    @property
    def members(self) -> list[Seq2Seq]:
        """This model, and those that answer beside it."""
        return [self, *self.others]

    @property
    def own_variables(self) -> tuple[tf.Variable, ...]:
        """What this model alone learns, without `others`."""
        of_others = {id(variable) for other in self.others for variable in other.trainable_variables}
        return tuple(variable for variable in self.trainable_variables if id(variable) not in of_others)

    def encode(self, source_ids: tf.Tensor, source_lengths: tf.Tensor, dropout: Dropout | None = None) -> Start:
        """`source_ids` (B, S), `source_lengths` (B,) → what decoding starts from."""
        if self.encoder is None:
            return Start(self.decoder.zero_state(tf.shape(source_lengths)[0]), ())
        encoded = self.encoder(self._embedded(source_ids, source_lengths), source_lengths, dropout)
        return Start(*self.decoder.start(encoded, source_lengths))

    def meanings(self, source_ids: tf.Tensor, source_lengths: tf.Tensor) -> tf.Tensor:
        """The mean of the encoder's outputs over a source's tokens, (B, M): what it was read as, whatever its length.

        `source_lengths` (B,) are at least 1. A language model reads no source: M is 0.
        """
        if self.encoder is None:
            return tf.zeros((tf.shape(source_lengths)[0], 0))
        embedded = self._embedded(source_ids, source_lengths)
        outputs = self.encoder(embedded, source_lengths, None).outputs  # (B, S, M)
        real = tf.sequence_mask(source_lengths, tf.shape(outputs)[1], outputs.dtype)
        return tf.einsum("bsm,bs->bm", outputs, real) / tf.cast(source_lengths, outputs.dtype)[:, tf.newaxis]

    def _embedded(self, source_ids: tf.Tensor, source_lengths: tf.Tensor) -> tf.Tensor:
        """`source_ids` (B, S) → (S, B, E), in the order in which they are read."""
        if self.hparams.source_reverse:
            source_ids = tf.reverse_sequence(source_ids, source_lengths, seq_axis=1)
        letters = range(2, source_ids.shape.rank)
        return self.source_embedding(tf.transpose(source_ids, (1, 0, *letters)))

    def step_fn(
        self, memory: Memory | tuple[()], *, keep_alignments: bool = False
    ) -> Callable[[tf.Tensor, SearchState], tuple[tf.Tensor, SearchState]]:
        """The `StepFn` of a search over sources of this `memory`, which has a row for each hypothesis.

        `ids` (N,) and a state → log_probs (N, V), and the next state, with the alignments if they are to be kept.
        """

        def step(ids: tf.Tensor, state: SearchState) -> tuple[tf.Tensor, SearchState]:
            output, decoder, alignments = self.decoder.step(self.target_embedding(ids), state.decoder, memory)
            following = SearchState(decoder, alignments if keep_alignments else ())
            return tf.nn.log_softmax(output @ self.projection), following

        return step

    def token_losses(self, batch: Batch, dropout: Dropout | None = None) -> tf.Tensor:
        """Cross-entropy of every real target token, `</s>` included, (N,), in nats.

        Only real tokens are projected to the vocabulary, which is the largest product of the model.
        """
        state, memory = self.encode(batch.source_ids, batch.source_lengths, dropout)
        embedded = self.target_embedding(tf.transpose(batch.target_input_ids))  # (T, B, E)
        outputs = self.decoder.sequence(embedded, state, memory, dropout)
        real = tf.transpose(tf.sequence_mask(batch.target_lengths, tf.shape(batch.target_output_ids)[1]))
        labels = tf.boolean_mask(tf.transpose(batch.target_output_ids), real)
        return self._losses(tf.boolean_mask(outputs, real), labels, dropout)

    def _losses(self, outputs: tf.Tensor, labels: tf.Tensor, dropout: Dropout | None) -> tf.Tensor:
        """`outputs` (N, U), `labels` (N,) → (N,): against sampled words and smoothed only while training."""
        if dropout is not None and self.hparams.num_sampled_softmax:
            seed = tf.random.experimental.stateless_fold_in(dropout.seed, _SAMPLE_SALT)
            return sampled_cross_entropy(outputs, self.projection, labels, self.hparams.num_sampled_softmax, seed)
        smoothing = self.hparams.label_smoothing if dropout is not None else 0.0
        return token_cross_entropy(outputs, self.projection.read_value(), labels, smoothing)


def _alone(hparams: HParams, number: int) -> HParams:
    """The hyperparameters of another member, by its number: it begins with other weights."""
    return replace(hparams, members=1, random_seed=(hparams.random_seed + number) % 2**31)


def _embedding(
    hparams: HParams, vocab_size: int, vectors: Vectors | None, init: Initializer, name: str
) -> Embedding | PretrainedEmbedding:
    if vectors is not None:
        return PretrainedEmbedding(vectors, init, name)
    return Embedding(vocab_size, hparams.num_units, init, name)


def _check(hparams: HParams, src_vocab_size: int, tgt_vocab_size: int) -> None:
    if hparams.share_vocab and hparams.use_char_encode:
        raise NmtError("--use_char_encode has no source vocabulary that --share_vocab could share: leave one out")
    if hparams.share_vocab and src_vocab_size != tgt_vocab_size:
        raise NmtError(f"--share_vocab needs one vocabulary, not one of {src_vocab_size} and one of {tgt_vocab_size}")
    sampled = hparams.num_sampled_softmax
    if sampled >= tgt_vocab_size:
        raise NmtError(f"--num_sampled_softmax={sampled} must be below {tgt_vocab_size}, the target vocabulary's size")
    if sampled and hparams.label_smoothing:
        raise NmtError("--label_smoothing spreads over all words, --num_sampled_softmax looks at few: leave one out")
