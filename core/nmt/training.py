"""Training: batches through the model, weights updated, dev scored, the best weights kept.

It prints nothing: what happens is told to a function that the caller gives.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from core.nmt.checkpoints import Checkpoints, vocab_paths
from core.nmt.dataset import Corpus, TrainingData, read_corpus
from core.nmt.encoders import Dropout
from core.nmt.errors import NmtError
from core.nmt.evaluation import Evaluator
from core.nmt.hparams import HParams
from core.nmt.metrics import check_names
from core.nmt.model import Batch, Seq2Seq
from core.nmt.optimizers import clip_gradients, make_optimizer
from core.nmt.schedules import learning_rate
from core.nmt.vocab import Vocab


@dataclass(frozen=True, slots=True)
class Event:
    """Something to tell: `phase` is train, evaluate or done; `values` are numbers by name."""

    phase: str
    step: int
    total: int
    values: dict[str, Any]


Report = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class DataPrefixes:
    """Where the corpus lies, as `--train_prefix` and its sisters name it; without dev the last weights are the best."""

    vocab: Path
    train: Path
    dev: Path | None = None
    test: Path | None = None


def train(hparams: HParams, data: DataPrefixes, out_dir: Path, report: Report) -> dict[str, Any]:
    """Train into `out_dir`, going on from its last checkpoint if there is one; the scores of the best weights.

    Raises `NmtError` for data or a directory that can't be used, and when the loss is no number any more.
    """
    check_names(hparams.metric_names)
    vocabs = _load_vocabs(hparams, data.vocab)
    _check_same_vocabs(hparams, vocabs, out_dir)
    corpora = {
        name: read_corpus(prefix, hparams, *vocabs, training=name == "train")
        for name, prefix in (("train", data.train), ("dev", data.dev), ("test", data.test))
        if prefix is not None
    }
    out_dir.mkdir(parents=True, exist_ok=True)
    hparams.save(out_dir)
    for vocab, path in zip(vocabs, vocab_paths(out_dir, hparams), strict=True):
        vocab.save(path)
    return Trainer(hparams, vocabs, corpora, out_dir, report).run()


def _load_vocabs(hparams: HParams, prefix: Path) -> tuple[Vocab, Vocab]:
    src = Vocab.load(prefix.with_name(f"{prefix.name}.{hparams.src}"))
    tgt = src if hparams.share_vocab else Vocab.load(prefix.with_name(f"{prefix.name}.{hparams.tgt}"))
    return src, tgt


def _check_same_vocabs(hparams: HParams, vocabs: tuple[Vocab, Vocab], out_dir: Path) -> None:
    """Raise `NmtError` when `out_dir` holds a model that learned other ids for its tokens."""
    for vocab, path in zip(vocabs, vocab_paths(out_dir, hparams), strict=True):
        if path.exists() and Vocab.load(path) != vocab:
            raise NmtError(f"the model in {out_dir} was made with another vocabulary, {path}: give another --out_dir")


class Trainer:
    """One training run: the model, its optimizer, and the loop over batches."""

    def __init__(
        self,
        hparams: HParams,
        vocabs: tuple[Vocab, Vocab],
        corpora: dict[str, Corpus],
        out_dir: Path,
        report: Report,
    ) -> None:
        self._hparams = hparams
        self._corpora = corpora
        self._report = report
        # One device, or all GPUs of the machine with their gradients summed.
        many = len(tf.config.list_physical_devices("GPU")) > 1
        self._strategy = tf.distribute.MirroredStrategy() if many else tf.distribute.get_strategy()
        with self._strategy.scope():
            self.model = Seq2Seq(hparams, *(len(vocab) for vocab in vocabs))
            self._variables = self.model.trainable_variables
            self._optimizer = make_optimizer(hparams.optimizer, self._variables)
        self._data = TrainingData(corpora["train"], hparams)
        self._evaluator = Evaluator(self.model, vocabs[1])
        self._checkpoints = Checkpoints(out_dir, self.model, self._optimizer)
        matrix, vector = tf.TensorSpec((None, None), tf.int32), tf.TensorSpec((None,), tf.int32)
        # Shapes are left open, so that one graph serves every bucket: nothing is retraced while it trains.
        self._step = tf.function(
            self._distributed_step,
            input_signature=[
                (matrix, vector, matrix, matrix, vector),
                tf.TensorSpec((), tf.float32),
                tf.TensorSpec((), tf.int32),
            ],
            autograph=False,
        )

    def run(self) -> dict[str, Any]:
        """Train to `num_train_steps`; the scores of the best weights."""
        step = self._checkpoints.restore()
        total = self._hparams.num_train_steps
        stats = _Stats(step)
        for batch in self._data.batches_from(step).take(max(0, total - step)):
            rate = learning_rate(self._hparams, step)
            loss, norm = self._step(batch, np.float32(rate), np.int32(step))
            stats.add(float(loss), float(norm), batch)
            step += 1
            if step % self._hparams.steps_per_stats == 0 or step == total:
                self._tell("train", step, {"lr": rate, **stats.summary(step, total)})
                stats = _Stats(step)
            if step % self._hparams.eval_interval == 0 and step < total:
                stats.leave_out(self._evaluate(step))
        self._evaluate(step)
        return self._finish(step)

    def _evaluate(self, step: int) -> float:
        """Score dev, keep the weights to serve when they are the best so far; save a checkpoint. Seconds it took."""
        start = time.perf_counter()
        scores: dict[str, Any] = {"step": step}
        if dev := self._corpora.get("dev"):
            scores |= {f"dev_{name}": value for name, value in self._evaluator.scores(dev).items()}
        best = self._checkpoints.best()
        # Scores by other metrics, or without dev, are those of an earlier command and can't be compared.
        if best is None or best.keys() != scores.keys() or self._rank(scores) >= self._rank(best):
            self._checkpoints.save_best(scores)
        # Last, so that a run that is killed in between scores this step again.
        self._checkpoints.save(step)
        self._tell("evaluate", step, scores)
        return time.perf_counter() - start

    def _rank(self, scores: dict[str, Any]) -> tuple[float, ...]:
        """What makes weights better: the first of `--metrics` on dev, then perplexity.

        A later step wins without dev, and before `best_from_step`, where the learning rate is still too high for a
        choice: dev scores of half-trained weights differ by chance, and the best of them is not the best learned.
        """
        early = min(scores["step"], self._hparams.best_from_step)
        if "dev_ppl" not in scores:
            return (early, scores["step"])
        return (early, *(scores[f"dev_{name}"] for name in self._hparams.metric_names[:1]), -scores["dev_ppl"])

    def _finish(self, step: int) -> dict[str, Any]:
        """The scores of the weights that are served: those on dev are on file, those on test are found now."""
        scores = dict(self._checkpoints.best() or {})
        if test := self._corpora.get("test"):
            self._checkpoints.load_best()
            scores |= {f"test_{name}": value for name, value in self._evaluator.scores(test).items()}
        self._tell("done", step, scores)
        return scores

    def _tell(self, phase: str, step: int, values: dict[str, Any]) -> None:
        self._report(Event(phase, step, self._hparams.num_train_steps, values))

    def _distributed_step(
        self, batch: tuple[tf.Tensor, ...], rate: tf.Tensor, step: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        loss, norm = self._strategy.run(self._replica_step, args=(Batch(*batch), rate, step))
        return self._strategy.reduce("MEAN", loss, axis=None), self._strategy.reduce("MEAN", norm, axis=None)

    def _replica_step(self, batch: Batch, rate: tf.Tensor, step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """One update: the summed loss of the batch's tokens, and the gradient's norm before clipping."""
        dropout = Dropout(self._hparams.dropout, tf.stack([self._hparams.random_seed, step]))
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(self.model.token_losses(batch, dropout))
            # As tensorflow/nmt: summed over a sentence's tokens, averaged over the sentences.
            objective = loss / tf.cast(tf.shape(batch.source_ids)[0], tf.float32)
        gradients = tape.gradient(objective, self._variables)
        context = tf.distribute.get_replica_context()
        if context.num_replicas_in_sync > 1:
            dense = [tf.convert_to_tensor(gradient) for gradient in gradients]
            gradients = context.all_reduce(tf.distribute.ReduceOp.MEAN, dense)
        clipped, norm = clip_gradients(gradients, self._hparams.max_gradient_norm)
        self._optimizer.apply(clipped, self._variables, rate)
        return loss, norm


class _Stats:
    """What happened since the last log line."""

    def __init__(self, step: int) -> None:
        self._first = step
        self._start = time.perf_counter()
        self._loss = self._norm = 0.0
        self._sentences = self._src_tokens = self._tgt_tokens = 0

    def add(self, loss: float, norm: float, batch: tuple[tf.Tensor, ...]) -> None:
        # A gradient that is no number has spoilt the weights already, which the next loss alone would show.
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise NmtError(f"the loss is {loss}, the gradient's norm {norm}: train again with a lower --learning_rate")
        _, src_lengths, _, _, tgt_lengths = batch
        self._loss += loss
        self._norm += norm
        self._sentences += int(src_lengths.shape[0])
        self._src_tokens += int(src_lengths.numpy().sum())
        self._tgt_tokens += int(tgt_lengths.numpy().sum())

    def leave_out(self, seconds: float) -> None:
        """Do not count so many seconds, in which nothing was trained."""
        self._start += seconds

    def summary(self, step: int, total: int) -> dict[str, float]:
        """Loss of a sentence, perplexity of a token, gradient norm, seconds a step, tokens a second, seconds left."""
        steps = step - self._first
        seconds = time.perf_counter() - self._start
        return {
            "loss": self._loss / self._sentences,
            "ppl": math.exp(min(self._loss / self._tgt_tokens, 100.0)),
            "grad_norm": self._norm / steps,
            "step_time": seconds / steps,
            "wps": (self._src_tokens + self._tgt_tokens) / seconds,
            "eta_s": (total - step) * seconds / steps,
        }
