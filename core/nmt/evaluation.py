"""The scores of a model on a corpus: perplexity by teacher forcing, and the metrics of what it answers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import tensorflow as tf

from core.nmt.dataset import Corpus, Ids, batch_arrays
from core.nmt.decoding import Decoder
from core.nmt.metrics import score
from core.nmt.model import Batch, Seq2Seq, batch_signature
from core.nmt.search import Ends
from core.nmt.subwords import answer_text
from core.nmt.target_tree import TargetTree
from core.nmt.vocab import Vocab

# How many of how many sentences are done.
Progress = Callable[[int, int], None]


class Evaluator:
    """Perplexity and the metrics of one model on any corpus; made once, so that it is compiled once.

    As tensorflow/nmt: answers are searched for as the model's hyperparameters say, in batches of `infer_batch_size`
    in the order of the file. With a `tree`, among its sentences. Asked `once`, the first member reads each source once:
    further readings take long, and there is little in them for who compares weights.
    """

    def __init__(self, model: Seq2Seq, tgt_vocab: Vocab, tree: TargetTree | None = None) -> None:
        self._model = model
        self._hparams = model.hparams
        self._tgt_vocab = tgt_vocab
        self._tree = tree
        self._ends = Ends(tgt_vocab.sos_id, tgt_vocab.eos_id)
        self._decoder = Decoder(model, model.hparams, self._ends, tree=tree)
        self._loss = tf.function(
            lambda *batch: tf.reduce_sum(model.token_losses(Batch(*batch))),
            input_signature=batch_signature(model.hparams),
            autograph=False,
        )

    def scores(self, corpus: Corpus, progress: Progress | None = None, *, once: bool = False) -> dict[str, float]:
        """`ppl`, exp of the mean cross-entropy of a token, and each of `--metrics`."""
        sources = corpus.sources()
        scores = {"ppl": self.perplexity(sources, corpus.targets())}
        if not self._hparams.metric_names:
            return scores
        answers = self.answers(sources, progress, once=once)
        option = self._hparams.subword_option
        return scores | {name: score(name, answers, corpus.references, option) for name in self._hparams.metric_names}

    def perplexity(self, sources: list[Ids], targets: list[Ids]) -> float:
        """exp of the mean cross-entropy of a target token, the end token counted."""
        sources = [row[: self._hparams.src_max_len_infer] for row in sources]
        targets = [row[: self._hparams.tgt_max_len_infer] for row in targets]
        order = sorted(range(len(targets)), key=lambda i: len(targets[i]))
        loss, tokens = 0.0, sum(len(row) + 1 for row in targets)
        for at in range(0, len(order), self._hparams.batch_size):
            chunk = order[at : at + self._hparams.batch_size]
            pairs = [sources[i] for i in chunk], [targets[i] for i in chunk]
            loss += float(self._loss(*map(tf.constant, batch_arrays(*pairs, **self._ends._asdict()))))
        return math.exp(min(loss / tokens, 100.0))

    def answers(self, sources: list[Ids], progress: Progress | None = None, *, once: bool = False) -> list[str]:
        """The best answer to each source, subwords joined."""
        answers: list[str] = []
        decoder = self._decoder
        if self._tree:
            # A copy of the weights as they are now answers sooner.
            hparams = replace(self._hparams, leave_one_out=0.0, members=1) if once else self._hparams
            decoder = Decoder(self._model, hparams, self._ends, frozen=True, tree=self._tree)
        for batch in decoder.decode_best_in_order(sources):
            tokens = [self._tgt_vocab.tokens(ranked[0].ids) if ranked else [] for ranked in batch]
            answers += [answer_text(words, self._hparams.subword_option) for words in tokens]
            if progress:
                progress(len(answers), len(sources))
        return answers
