"""Decoding many sentences, and the scores of a model on a corpus."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from core.nmt.dataset import Corpus, batch_arrays, pad
from core.nmt.hparams import HParams
from core.nmt.metrics import score
from core.nmt.model import Batch, Seq2Seq
from core.nmt.search import Decoded, beam_search, greedy_search
from core.nmt.subwords import answer_text
from core.nmt.vocab import EOS_ID, SOS_ID, Vocab


class Ranked(NamedTuple):
    """One hypothesis: `ids` without the end token, and `log_prob`, the sum over its tokens, the end token counted."""

    ids: list[int]
    log_prob: float
    # Tokens that log_prob is the sum of: the end token is one of them, unless the search was cut off.
    scored_tokens: int


class Decoder:
    """Source ids → hypotheses, through one compiled function that keeps nothing between calls."""

    def __init__(self, model: Seq2Seq, hparams: HParams) -> None:
        self._hparams = hparams
        self._model = model
        ids = tf.TensorSpec((None, None), tf.int32)
        lengths = tf.TensorSpec((None,), tf.int32)
        self._search = tf.function(
            self._search_batch, input_signature=[ids, lengths, tf.TensorSpec((), tf.int32)], autograph=False
        )

    def decode(self, sources: Sequence[NDArray[np.int32]]) -> list[list[Ranked]]:
        """For each row of source ids its hypotheses, best first; rows of like length are decoded together."""
        order = sorted(range(len(sources)), key=lambda i: len(sources[i]))
        results: list[list[Ranked]] = [[] for _ in sources]
        for at in range(0, len(order), self._hparams.infer_batch_size):
            chunk = order[at : at + self._hparams.infer_batch_size]
            limit = self._hparams.src_max_len_infer
            for i, ranked in zip(chunk, self._decode_batch([sources[i][:limit] for i in chunk]), strict=True):
                results[i] = ranked
        return results

    def _decode_batch(self, rows: list[NDArray[np.int32]]) -> list[list[Ranked]]:
        ids, lengths = pad(rows)
        # tensorflow/nmt's bound; a floor lets a greeting of one token have a whole sentence for its answer.
        longest = self._hparams.tgt_max_len_infer or max(10, 2 * ids.shape[1])
        decoded = self._search(ids, lengths, np.int32(longest))
        out, out_lengths, log_probs = (tensor.numpy() for tensor in decoded)
        return [
            [
                Ranked(out[b, k, :n].tolist(), float(log_probs[b, k]), int(n) + (n < out.shape[2]))
                for k, n in enumerate(out_lengths[b])
            ]
            for b in range(len(rows))
        ]

    def _search_batch(self, ids: tf.Tensor, lengths: tf.Tensor, max_length: tf.Tensor) -> Decoded:
        state = self._model.encode(ids, lengths)
        batch_size = tf.shape(lengths)[0]
        ends = {"sos_id": SOS_ID, "eos_id": EOS_ID}
        if not self._hparams.beams:
            return greedy_search(self._model.decode_step, state, batch_size, max_length, **ends)
        return beam_search(
            self._model.decode_step,
            state,
            batch_size,
            max_length,
            beam_width=self._hparams.beams,
            length_penalty_weight=self._hparams.length_penalty_weight,
            **ends,
        )


class Evaluator:
    """Perplexity and the metrics of one model on any corpus; made once, so that it is compiled once."""

    def __init__(self, model: Seq2Seq, tgt_vocab: Vocab) -> None:
        self._hparams = model.hparams
        self._tgt_vocab = tgt_vocab
        self._decoder = Decoder(model, model.hparams)
        matrix, vector = tf.TensorSpec((None, None), tf.int32), tf.TensorSpec((None,), tf.int32)
        self._loss = tf.function(
            lambda *batch: tf.reduce_sum(model.token_losses(Batch(*batch))),
            input_signature=[matrix, vector, matrix, matrix, vector],
            autograph=False,
        )

    def scores(self, corpus: Corpus) -> dict[str, float]:
        """`ppl`, exp of the mean cross-entropy of a token, and each of `--metrics`."""
        sources = [corpus.src[a:b] for a, b in zip(corpus.src_at, corpus.src_at[1:], strict=False)]
        targets = [corpus.tgt[a:b] for a, b in zip(corpus.tgt_at, corpus.tgt_at[1:], strict=False)]
        scores = {"ppl": self._perplexity(sources, targets)}
        option = self._hparams.subword_option
        decoded = self._decoder.decode(sources)
        answers = [answer_text(self._tgt_vocab.tokens(ranked[0].ids), option) for ranked in decoded]
        for name in self._hparams.metric_names:
            scores[name] = score(name, answers, corpus.references, option)
        return scores

    def _perplexity(self, sources: list[NDArray[np.int32]], targets: list[NDArray[np.int32]]) -> float:
        order = sorted(range(len(targets)), key=lambda i: len(targets[i]))
        loss, tokens = 0.0, sum(len(row) + 1 for row in targets)
        for at in range(0, len(order), self._hparams.batch_size):
            chunk = order[at : at + self._hparams.batch_size]
            loss += float(self._loss(*batch_arrays([sources[i] for i in chunk], [targets[i] for i in chunk])))
        return math.exp(min(loss / tokens, 100.0))
