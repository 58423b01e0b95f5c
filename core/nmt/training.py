"""Training: batches through the model, weights updated, dev scored, the best weights kept.

It prints nothing: what happens is told to a function that the caller gives, and to TensorBoard's files.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from core.nmt.checkpoints import Checkpoints, load_vocabs, stored_vectors, vocab_paths
from core.nmt.dataset import Corpus, Ids, TrainingData, read_corpus, read_tokens
from core.nmt.embeddings import read_vectors
from core.nmt.encoders import Dropout
from core.nmt.errors import NmtError
from core.nmt.evaluation import Evaluator
from core.nmt.goals import Goals, GoalSettings
from core.nmt.hparams import HParams
from core.nmt.hparams_file import save_hparams
from core.nmt.importing import import_original
from core.nmt.inheritance import inherit
from core.nmt.known_targets import known_targets_path, read_known_targets, write_known_targets
from core.nmt.model import Batch, Pretrained, Seq2Seq, batch_signature
from core.nmt.optimizers import clip_gradients, make_optimizer
from core.nmt.original_model import Places, is_original
from core.nmt.pace import Pace
from core.nmt.schedules import learning_rate
from core.nmt.search import Ends
from core.nmt.selection import AVERAGED, Selection
from core.nmt.stats import Stats
from core.nmt.summaries import DIRECTORY as SUMMARIES
from core.nmt.summaries import Summaries
from core.nmt.vocab import ByteVocab, SourceVocab, Vocab

# Answers that each evaluation shows in TensorBoard, and the values that it shows no curve of.
_SAMPLES = 3
_NO_CURVES = ("step", "eta_s", "goals", "kept", AVERAGED)

# From this share of the steps on what is to be kept is asked, too.
_SETTLING = 0.5

# In the scores of weights that were trained towards goals: the numbers of the pairs to keep that they have lost.
LOST_PAIRS = "lost_pairs"

_NO_SETTINGS = GoalSettings()

Vocabs = tuple[SourceVocab, Vocab]


@dataclass(frozen=True, slots=True)
class Event:
    """Something to tell: `phase` is train, goals, score, evaluate, average or done; `values` are numbers by name."""

    phase: str
    step: int
    total: int
    values: dict[str, Any]


Report = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class DataPrefixes:
    """Where the corpus lies, as `--train_prefix` and its sisters name it; without dev the last weights are the best.

    `init_from` is a model directory to begin with; `goal` and `keep` are pairs that decide when training ends.
    """

    vocab: Path
    train: Path
    dev: Path | None = None
    test: Path | None = None
    embed: Path | None = None
    init_from: Path | None = None
    goal: Path | None = None
    keep: Path | None = None


def train(
    hparams: HParams, data: DataPrefixes, out_dir: Path, report: Report, goals: GoalSettings | None = None
) -> dict[str, Any]:
    """Train into `out_dir`, going on from its last checkpoint if there is one; the scores of the best weights.

    `goals` say how the pairs in `data.goal` are trained, where there are any.

    Raises `NmtError` for data or a directory that can't be used, and when the loss is no number any more.
    """
    if is_original(out_dir):
        import_original(out_dir, out_dir, Places(vocab=data.vocab, embed=data.embed))
    vocabs = _load_vocabs(hparams, data.vocab)
    _check_same_vocabs(hparams, vocabs, out_dir)
    corpora = {
        name: read_corpus(prefix, hparams, *vocabs, training=name == "train")
        for name in ("train", "dev", "test", "goal", "keep")
        if (prefix := getattr(data, name)) is not None
    }
    pretrained = _load_vectors(hparams, vocabs, data.embed, out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    save_hparams(hparams, out_dir)
    for vocab, path in zip(vocabs, vocab_paths(out_dir, hparams), strict=True):
        if isinstance(vocab, Vocab) and not path.exists():
            vocab.save(path)
    known = known_targets_path(out_dir, hparams)
    if hparams.known_targets and not known.exists():
        targets = read_tokens(data.train.with_name(f"{data.train.name}.{hparams.tgt}"))
        write_known_targets(known, (" ".join(target) for target in targets if target))
    trainer = Trainer(hparams, vocabs, corpora, out_dir, report, pretrained)
    if data.init_from:
        trainer.begin_from(data.init_from)
    return trainer.run(goals or _NO_SETTINGS)


def _load_vocabs(hparams: HParams, prefix: Path) -> Vocabs:
    def load(suffix: str) -> Vocab:
        path = prefix.with_name(f"{prefix.name}.{suffix}")
        return Vocab.load(path, sos=hparams.sos, eos=hparams.eos, add_specials=hparams.check_special_token)

    if hparams.use_char_encode:
        return ByteVocab(), load(hparams.tgt)
    src = load(hparams.src)
    return src, src if hparams.share_vocab else load(hparams.tgt)


def _check_same_vocabs(hparams: HParams, vocabs: Vocabs, out_dir: Path) -> None:
    """Raise `NmtError` when `out_dir` holds a model that learned other ids for its tokens."""
    if not all(path.exists() for path in vocab_paths(out_dir, hparams)[hparams.use_char_encode :]):
        return
    for vocab, kept, path in zip(vocabs, load_vocabs(out_dir, hparams), vocab_paths(out_dir, hparams), strict=True):
        if isinstance(vocab, Vocab) and vocab != kept:
            raise NmtError(f"the model in {out_dir} was made with another vocabulary, {path}: give another --out_dir")


def _load_vectors(hparams: HParams, vocabs: Vocabs, prefix: Path | None, out_dir: Path) -> Pretrained:
    """The vectors to begin with; room for those that a checkpoint holds, when there is one to go on from."""
    if checkpoint := tf.train.latest_checkpoint(str(out_dir / "ckpt")):
        return stored_vectors(Path(checkpoint), hparams)
    if prefix is None:
        return Pretrained()
    paths = [prefix.with_name(f"{prefix.name}.{suffix}") for suffix in (hparams.src, hparams.tgt)]
    found = [
        read_vectors(path, vocab) if isinstance(vocab, Vocab) and path.exists() else None
        for path, vocab in zip(paths, vocabs, strict=True)
    ]
    if found == [None, None]:
        raise NmtError(f"neither {paths[0]} nor {paths[1]} is there: check --embed_prefix")
    # As tensorflow/nmt: one side's file is enough, and for a shared vocabulary the source's goes first.
    return Pretrained(found[0] or found[1]) if hparams.share_vocab else Pretrained(*found)


def _make_strategy(num_gpus: int | None) -> tf.distribute.Strategy:
    """All GPUs of the machine, or so many of them, with their gradients summed; else the one device there is."""
    gpus = [device.name for device in tf.config.list_logical_devices("GPU")]
    gpus = gpus[:num_gpus]
    return tf.distribute.MirroredStrategy(gpus) if len(gpus) > 1 else tf.distribute.get_strategy()


class Trainer:
    """One training run: the model, its optimizer, and the loop over batches."""

    def __init__(
        self,
        hparams: HParams,
        vocabs: Vocabs,
        corpora: dict[str, Corpus],
        out_dir: Path,
        report: Report,
        pretrained: Pretrained | None = None,
    ) -> None:
        self._hparams = hparams
        self._vocabs = vocabs
        self._corpora = corpora
        self._report = report
        self._strategy = _make_strategy(hparams.num_gpus)
        src_vocab, tgt_vocab = vocabs
        with self._strategy.scope():
            self.model = Seq2Seq(hparams, len(src_vocab), len(tgt_vocab), pretrained)
            self._variables = [variable for member in self.model.members for variable in member.own_variables]
            self._optimizer = make_optimizer(hparams.optimizer, self._variables)
        self._data = TrainingData(corpora["train"], hparams, sos_id=tgt_vocab.sos_id, eos_id=tgt_vocab.eos_id)
        self._stats = Stats(0, hparams.max_gradient_norm)
        tree = read_known_targets(out_dir, hparams, tgt_vocab)
        self._evaluator = Evaluator(self.model, tgt_vocab, tree)
        self._checkpoints = Checkpoints(out_dir, self.model, self._optimizer)
        self._selection = Selection(hparams, self._checkpoints)
        self._goals: Goals | None = None
        if "goal" in corpora:
            ends = Ends(tgt_vocab.sos_id, tgt_vocab.eos_id)
            self._goals = Goals(self.model, ends, corpora["train"], corpora["goal"], corpora.get("keep"), tree)
        self._summaries = Summaries(out_dir / SUMMARIES if hparams.summaries else None)
        number = tf.TensorSpec((), tf.float32), tf.TensorSpec((), tf.int32)
        # One signature for batches of all sizes: nothing is retraced while it trains.
        self._step = tf.function(
            self._distributed_step, input_signature=[tuple(batch_signature(hparams)), *number], autograph=False
        )

    def begin_from(self, directory: Path) -> None:
        """Begin with the weights of another model; without effect where there is a checkpoint to go on from."""
        inherit(self.model, self._vocabs, directory)

    def run(self, goals: GoalSettings = _NO_SETTINGS) -> dict[str, Any]:
        """Train to `num_train_steps`, or until the goals are reached; the scores of the best weights."""
        begun = step = self._checkpoints.restore()
        if self._goals:
            return self._finish(self._train_to_goals(begun, self._goals, goals))
        for step in self._steps(self._data.batches_from(begun), begun):
            if step < self._hparams.num_train_steps:
                self._stats.leave_out(self._interrupt(step))
        self._evaluate(step)
        if self._hparams.avg_ckpts:
            self._evaluate_mean(step)
        return self._finish(step)

    def _steps(self, batches: Iterator[tuple[Ids, ...]], step: int) -> Iterator[int]:
        """Train from `step` to the last; the number of each step that is done."""
        total = self._hparams.num_train_steps
        self._stats = Stats(step, self._hparams.max_gradient_norm)
        for batch in islice(batches, max(0, total - step)):
            rate = learning_rate(self._hparams, step)
            loss, norm = self._step(batch, np.float32(rate), np.int32(step))
            self._stats.add(float(loss), float(norm), batch)
            step += 1
            if step % self._hparams.steps_per_stats == 0 or step == total:
                best = self._selection.best_scores()
                self._tell("train", step, {"lr": rate, **self._stats.summary(step, total), **best})
                self._stats = Stats(step, self._hparams.max_gradient_norm)
            yield step

    def _train_to_goals(self, begun: int, goals: Goals, settings: GoalSettings) -> int:
        """Train until the goals are reached, or to the last step, and keep the best weights of the way."""
        best = (-1, 0)
        step = begun
        for step in self._steps(goals.batches(begun, self._hparams, settings.share), begun):
            last = step == self._hparams.num_train_steps
            if step % settings.steps_per_check and not last:
                continue
            start = time.perf_counter()
            # While the rate is high what is lost comes and goes: it is looked for when the weights settle.
            early = step < _SETTLING * self._hparams.num_train_steps
            check = goals.check(settings.max_lost, survey=last or (False if early else None))
            reached = goals.reached(check, settings.max_lost)
            self._tell("goals", step, {"step": step, **check.values()})
            if check.lost is not None and check.rank >= best:
                best = check.rank
                self._checkpoints.save_best({"step": step, **check.values(), LOST_PAIRS: goals.lost()})
                self._checkpoints.save(step)
            if reached:
                break
            self._stats.leave_out(time.perf_counter() - start)
        return step

    def _interrupt(self, step: int) -> float:
        """What is due after a step that is not the last; the seconds it took.

        As tensorflow/nmt: answers are scored every `--steps_per_external_eval` steps, and every ten log lines a
        checkpoint is saved and dev's perplexity found.
        """
        start = time.perf_counter()
        if step % self._hparams.eval_interval == 0:
            self._evaluate(step)
        elif step % (10 * self._hparams.steps_per_stats) == 0:
            if dev := self._corpora.get("dev"):
                ppl = self._evaluator.perplexity(dev.sources(), dev.targets())
                self._tell("evaluate", step, {"step": step, "dev_ppl": ppl})
            self._checkpoints.save(step)
        return time.perf_counter() - start

    def _evaluate(self, step: int) -> None:
        """Score dev, keep the weights to serve when they are the best so far; save a checkpoint."""
        scores = {"step": step, **self._scores("dev", step)}
        self._selection.consider(scores)
        # Last, so that a run that is killed in between scores this step again.
        self._checkpoints.save(step)
        self._tell("evaluate", step, scores)
        self._show_samples(step)

    def _evaluate_mean(self, step: int) -> None:
        """Score the mean of the checkpoints that are kept, and serve it when it is the best.

        Without dev nothing says whether it is better than the last weights, which then stay.
        """
        averaged = self._checkpoints.load_mean()
        if averaged > 1 and "dev" in self._corpora:
            scores = {"step": step, AVERAGED: averaged, **self._scores("dev", step)}
            self._selection.consider(scores)
            self._tell("average", step, scores)
        self._checkpoints.restore()

    def _finish(self, step: int) -> dict[str, Any]:
        """The scores of the weights that are served: those on dev are on file, those on test are found now."""
        scores = {name: value for name, value in (self._checkpoints.best() or {}).items() if name != LOST_PAIRS}
        if "test" in self._corpora:
            self._checkpoints.load_best()
            scores |= self._scores("test", step)
        self._tell("done", step, scores)
        self._summaries.close()
        return scores

    def _scores(self, name: str, step: int) -> dict[str, float]:
        """The present weights' scores on dev or test, none without it."""
        corpus, pace = self._corpora.get(name), Pace()

        def progress(done: int, of: int) -> None:
            if done < of and pace.due():
                self._report(Event("score", step, self._hparams.num_train_steps, {"answered": done, "of": of}))

        scores = self._evaluator.scores(corpus, progress, once=name == "dev") if corpus else {}
        return {f"{name}_{metric}": value for metric, value in scores.items()}

    def _tell(self, phase: str, step: int, values: dict[str, Any]) -> None:
        self._report(Event(phase, step, self._hparams.num_train_steps, values))
        curves = {name: value for name, value in values.items() if name not in _NO_CURVES}
        if phase == "average":
            curves = {f"avg_{name}": value for name, value in curves.items()}
        if phase == "done":  # dev's were told when they were found
            curves = {name: value for name, value in curves.items() if name.startswith("test_")}
        self._summaries.scalars(values.get("step", step), curves)
        self._summaries.flush()

    def _show_samples(self, step: int) -> None:
        """Some of dev's sentences with their answers, others each time, for TensorBoard."""
        dev = self._corpora.get("dev")
        if not dev or not self._hparams.summaries:
            return
        first = step // self._hparams.eval_interval * _SAMPLES
        numbers = sorted({(first + i) % len(dev) for i in range(_SAMPLES)})
        sources = dev.sources()
        answers = self._evaluator.answers([sources[i] for i in numbers], once=True)
        for i, answer in zip(numbers, answers, strict=True):
            asked = " ".join(self._vocabs[0].tokens(sources[i]))
            self._summaries.text(step, f"samples/{i}", f"src: {asked}\n\nref: {dev.references[i]}\n\nnmt: {answer}")

    def _distributed_step(
        self, batch: tuple[tf.Tensor, ...], rate: tf.Tensor, step: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        loss, norm = self._strategy.run(self._replica_step, args=(Batch(*batch), rate, step))
        return self._strategy.reduce("SUM", loss, axis=None), self._strategy.reduce("MEAN", norm, axis=None)

    def _replica_step(self, batch: Batch, rate: tf.Tensor, step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """One update: the summed loss of this replica's tokens, and the whole gradient's norm before clipping.

        With `--members` each learns the same batch, and these are means over them.
        """
        context = tf.distribute.get_replica_context()
        replicas, replica = context.num_replicas_in_sync, context.replica_id_in_sync_group
        sentences = tf.cast(tf.shape(batch.source_ids)[0], tf.float32)
        if replicas > 1:  # every replica takes its share of the batch
            batch = Batch(*(tensor[replica::replicas] for tensor in batch))
        losses, norms, updates = [], [], []
        # Nothing joins the members but the update: their steps run side by side where there are cores for it.
        for member in self.model.members:
            dropout = Dropout(self._hparams.dropout, tf.stack([member.hparams.random_seed, step * replicas + replica]))
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(member.token_losses(batch, dropout))
                # As tensorflow/nmt: summed over a sentence's tokens, averaged over the sentences.
                objective = loss / sentences
            gradients = tape.gradient(objective, member.own_variables)
            if replicas > 1:
                dense = [tf.convert_to_tensor(gradient) for gradient in gradients]
                gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, dense)
            clipped, norm = clip_gradients(gradients, self._hparams.max_gradient_norm)
            losses.append(loss)
            norms.append(norm)
            updates += clipped
        self._optimizer.apply(updates, self._variables, rate)
        return tf.reduce_mean(losses), tf.reduce_mean(norms)
