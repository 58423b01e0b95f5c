"""What a model directory holds, and how weights get in and out of it. Weights only: no pickle, no saved graph.

hparams.json  vocab.<src>  vocab.<tgt>     all that is needed to build the model
ckpt/                                      what training goes on from: weights, optimizer, step
best/weights.*  best/best.json             what is served: weights, and the scores they had
best_<metric>/                             likewise, the best by each of several --metrics
known.<tgt>                                with --known_targets: the sentences that may be said
train_log/                                 TensorBoard's summaries
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from core.nmt.embeddings import Vectors
from core.nmt.errors import NmtError, first_line
from core.nmt.hparams import HParams
from core.nmt.hparams_file import load_hparams
from core.nmt.model import Pretrained, Seq2Seq
from core.nmt.optimizers import Optimizer
from core.nmt.original_hparams import ORIGINAL_FILE_NAME
from core.nmt.original_model import OriginalModel, Places, is_original
from core.nmt.vocab import ByteVocab, SourceVocab, Vocab

# What TensorFlow raises for a checkpoint that is damaged, cut short, or of another model.
_UNUSABLE = (tf.errors.OpError, AssertionError, ValueError, IndexError)


def vocab_paths(model_dir: Path, hparams: HParams) -> tuple[Path, Path]:
    """The vocabulary files of source and target in a model directory."""
    return model_dir / f"vocab.{hparams.src}", model_dir / f"vocab.{hparams.tgt}"


def load_model(model_dir: Path, places: Places | None = None) -> tuple[Seq2Seq, SourceVocab, Vocab]:
    """The served model of a directory and its vocabularies. Raises `NmtError` when anything is missing or damaged.

    A directory of tensorflow/nmt is read as it is; `places` are where to look for what does not lie in it.
    """
    if is_original(model_dir):
        original = OriginalModel(model_dir, places)
        return original.build(), original.src_vocab, original.tgt_vocab
    hparams = load_hparams(model_dir)
    src_vocab, tgt_vocab = load_vocabs(model_dir, hparams)
    prefix = (places and places.ckpt) or model_dir / "best" / "weights"
    if not Path(f"{prefix}.index").exists():
        raise NmtError(
            f"no checkpoint {prefix}: --ckpt is its path without .index"
            if places and places.ckpt
            else f"no weights in {prefix.parent}: train a model into {model_dir} first"
        )
    model = Seq2Seq(hparams, len(src_vocab), len(tgt_vocab), stored_vectors(prefix, hparams))
    _read_weights(model, prefix)
    return model, src_vocab, tgt_vocab


def load_vocabs(model_dir: Path, hparams: HParams) -> tuple[SourceVocab, Vocab]:
    """The vocabularies that a model directory keeps. Raises `NmtError` when they can't be used."""
    src_path, tgt_path = vocab_paths(model_dir, hparams)
    tgt = Vocab.load(tgt_path, sos=hparams.sos, eos=hparams.eos)
    if hparams.use_char_encode:
        return ByteVocab(), tgt
    return Vocab.load(src_path, sos=hparams.sos, eos=hparams.eos), tgt


def stored_vectors(prefix: Path, hparams: HParams) -> Pretrained:
    """Room for the vectors that were given to the model of a checkpoint, and which it holds.

    Raises `NmtError` when the checkpoint can't be read.
    """
    try:
        shapes = tf.train.load_checkpoint(str(prefix)).get_variable_to_shape_map()
    except _UNUSABLE as error:
        raise _damaged(prefix, error) from error

    def of(side: str) -> Vectors | None:
        fixed, places = (
            shapes.get(f"model/{side}_embedding/{name}/.ATTRIBUTES/VARIABLE_VALUE") for name in ("fixed", "places")
        )
        return Vectors.blank(places[0], *fixed) if fixed and places else None

    source, target = of("source"), of("target")
    # One table of two names is stored under one of them.
    return Pretrained(source or target, None) if hparams.share_vocab else Pretrained(source, target)


def _read_weights(model: Seq2Seq, prefix: Path) -> None:
    try:
        status = tf.train.Checkpoint(model=model).read(str(prefix))
        if _is_of_training(prefix):
            status.expect_partial().assert_existing_objects_matched()
        else:
            status.assert_consumed()
    except _UNUSABLE as error:
        raise _damaged(prefix, error) from error


def _is_of_training(prefix: Path) -> bool:
    """Whether a checkpoint holds more than the model: all that training goes on from."""
    shapes = tf.train.load_checkpoint(str(prefix)).get_variable_to_shape_map()
    return "step/.ATTRIBUTES/VARIABLE_VALUE" in shapes


def _damaged(prefix: Path, error: Exception) -> NmtError:
    return NmtError(f"the weights in {prefix.parent} are damaged or of another model: {first_line(error)}")


@contextmanager
def _writing(directory: Path) -> Iterator[None]:
    """TensorFlow's complaints about a disk as `NmtError`."""
    try:
        yield
    except tf.errors.OpError as error:
        raise NmtError(f"can't write weights into {directory}: {first_line(error)}") from error


class Checkpoints:
    """Saves and restores the training of one model directory."""

    def __init__(self, model_dir: Path, model: Seq2Seq, optimizer: Optimizer) -> None:
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._model = model
        self._model_dir = model_dir
        self._manager = tf.train.CheckpointManager(
            tf.train.Checkpoint(model=model, optimizer=optimizer, step=self.step),
            str(model_dir / "ckpt"),
            max_to_keep=model.hparams.num_keep_ckpts,
        )
        for old in model_dir.glob("best*.old"):  # left by a run that was killed just when it replaced them
            if not old.with_suffix("").exists():
                old.rename(old.with_suffix(""))

    def restore(self) -> int:
        """Load the last checkpoint, if there is one; the step that it was saved at, 0 without one."""
        try:
            self._manager.restore_or_initialize()
        except _UNUSABLE as error:
            raise NmtError(f"can't go on from {self._manager.latest_checkpoint}: {first_line(error)}") from error
        return int(self.step.numpy())

    def save(self, step: int) -> None:
        """Write a checkpoint to go on from."""
        self.step.assign(step)
        with _writing(self._model_dir):
            self._manager.save(checkpoint_number=step)

    def load_mean(self) -> int:
        """Put the mean of the checkpoints that are kept into the model; how many they are.

        With fewer than two nothing is done. Training does not go on from a mean: `restore` first.
        """
        kept: Sequence[str] = self._manager.checkpoints
        if len(kept) < 2:
            return len(kept)
        sums: list[np.ndarray[Any, Any]] = []
        for path in kept:
            try:
                tf.train.Checkpoint(model=self._model).restore(path).expect_partial().assert_existing_objects_matched()
            except _UNUSABLE as error:
                raise _damaged(Path(path), error) from error
            # In float64, so that the mean of equal weights is these weights.
            values = [variable.numpy().astype(np.float64) for variable in self._model.trainable_variables]
            sums = [total + value for total, value in zip(sums, values, strict=True)] if sums else values
        for variable, total in zip(self._model.trainable_variables, sums, strict=True):
            variable.assign((total / len(kept)).astype(np.float32))
        return len(kept)

    def best(self, metric: str = "") -> dict[str, Any] | None:
        """Step and scores of the served weights, or of the best by a metric; `None` when there are none yet."""
        path = self._best_dir(metric) / "best.json"
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (TypeError, ValueError) as error:
            raise NmtError(f"can't read {path}: {error}: remove it, and the next weights are the best") from error

    def load_best(self) -> None:
        """Put the served weights back into the model."""
        _read_weights(self._model, self._best_dir() / "weights")

    def save_best(self, scores: dict[str, Any], metric: str = "") -> None:
        """Make the present weights the served ones, or the best by a metric."""
        with self._replacing(self._best_dir(metric)) as fresh:
            fresh.mkdir(parents=True)
            with _writing(self._model_dir):
                tf.train.Checkpoint(model=self._model).write(str(fresh / "weights"))
            (fresh / "best.json").write_text(json.dumps(scores, indent=2) + "\n", encoding="utf-8")

    def share_best(self, metric: str) -> None:
        """Let the served weights be the best by a metric too, on disk only once where it can do so."""
        with self._replacing(self._best_dir(metric)) as fresh:
            shutil.copytree(self._best_dir(), fresh, copy_function=_link)

    def _best_dir(self, metric: str = "") -> Path:
        if not metric:
            return self._model_dir / "best"
        directory = self._model_dir / f"best_{metric}"
        # tensorflow/nmt's own, where training goes on from a model of its: that stays as it is.
        return directory.with_name(f"{directory.name}_on") if (directory / ORIGINAL_FILE_NAME).exists() else directory

    @contextmanager
    def _replacing(self, directory: Path) -> Iterator[Path]:
        """A name for a directory that takes the place of another one only when it is complete."""
        fresh, old = (directory.with_name(f"{directory.name}.{state}") for state in ("new", "old"))
        for left in (fresh, old):
            shutil.rmtree(left, ignore_errors=True)
        yield fresh
        with contextlib.suppress(FileNotFoundError):
            directory.rename(old)
        fresh.rename(directory)
        shutil.rmtree(old, ignore_errors=True)


def _link(source: str, target: str) -> None:
    """A second name for a file, which is never written to again; where the disk knows none, a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
