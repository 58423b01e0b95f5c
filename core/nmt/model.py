"""The whole model: weights and the two ways through it, teacher forcing and one decoding step."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from core.nmt.attention import Memory
from core.nmt.decoders import DecoderState, make_decoder
from core.nmt.embeddings import Embedding, make_initializer
from core.nmt.encoders import Dropout, make_encoder
from core.nmt.hparams import HParams
from core.nmt.losses import token_cross_entropy


class Batch(NamedTuple):
    """One padded batch, all int32. Padding holds `</s>`, and lengths say where it begins.

    `source_ids` (B, S), `source_lengths` (B,), `target_input_ids` (B, T) beginning with `<s>`, `target_output_ids`
    (B, T) ending with `</s>`, `target_lengths` (B,) with the `</s>` counted.
    """

    source_ids: tf.Tensor
    source_lengths: tf.Tensor
    target_input_ids: tf.Tensor
    target_output_ids: tf.Tensor
    target_lengths: tf.Tensor


class SearchState(NamedTuple):
    """What a search carries from token to token; every tensor's first axis is the hypothesis."""

    decoder: DecoderState
    memory: Memory | tuple[()]


class Seq2Seq(tf.Module):  # type: ignore[misc]
    """Encoder, attention, decoder and the projection to the target vocabulary."""

    def __init__(self, hparams: HParams, src_vocab_size: int, tgt_vocab_size: int) -> None:
        super().__init__(name="seq2seq")
        init = make_initializer(hparams, tf.random.Generator.from_seed(hparams.random_seed, alg="philox"))
        units = hparams.num_units
        self.hparams = hparams
        self.source_embedding = Embedding(src_vocab_size, units, init, "source_embedding")
        self.target_embedding = (
            self.source_embedding if hparams.share_vocab else Embedding(tgt_vocab_size, units, init, "target_embedding")
        )
        self.encoder = make_encoder(hparams, init)
        self.decoder = make_decoder(hparams, self.encoder.output_size, init)
        self.projection = tf.Variable(init((units, tgt_vocab_size)), name="projection")

    def encode(self, source_ids: tf.Tensor, source_lengths: tf.Tensor, dropout: Dropout | None = None) -> SearchState:
        """`source_ids` (B, S), `source_lengths` (B,) → the state before the first target token."""
        embedded = self.source_embedding(tf.transpose(source_ids))  # (S, B, U)
        encoded = self.encoder(embedded, source_lengths, dropout)
        return SearchState(*self.decoder.start(encoded, source_lengths))

    def decode_step(self, ids: tf.Tensor, state: SearchState) -> tuple[tf.Tensor, SearchState]:
        """The search's `StepFn`: `ids` (B,) → log_probs (B, V), and the next state."""
        output, decoder, _ = self.decoder.step(self.target_embedding(ids), state.decoder, state.memory)
        return tf.nn.log_softmax(output @ self.projection), SearchState(decoder, state.memory)

    def token_losses(self, batch: Batch, dropout: Dropout | None = None) -> tf.Tensor:
        """Cross-entropy of every real target token, `</s>` included, (N,), in nats.

        Only real tokens are projected to the vocabulary, which is the largest product of the model.
        """
        state = self.encode(batch.source_ids, batch.source_lengths, dropout)
        embedded = self.target_embedding(tf.transpose(batch.target_input_ids))  # (T, B, U)
        outputs = self.decoder.sequence(embedded, state.decoder, state.memory, dropout)
        real = tf.transpose(tf.sequence_mask(batch.target_lengths, tf.shape(batch.target_output_ids)[1]))
        labels = tf.boolean_mask(tf.transpose(batch.target_output_ids), real)
        smoothing = self.hparams.label_smoothing if dropout is not None else 0.0
        return token_cross_entropy(tf.boolean_mask(outputs, real) @ self.projection, labels, smoothing)
