"""What a model directory holds, and how weights get in and out of it. Weights only: no pickle, no saved graph.

hparams.json  vocab.<src>  vocab.<tgt>     all that is needed to build the model
ckpt/                                      what training goes on from: weights, optimizer, step
best/weights.*  best/best.json             what is served: weights, and the scores they had
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tensorflow as tf

from core.nmt.errors import NmtError
from core.nmt.hparams import HParams
from core.nmt.model import Seq2Seq
from core.nmt.optimizers import Optimizer
from core.nmt.vocab import Vocab

# What TensorFlow raises for a checkpoint that is damaged, cut short, or of another model.
_UNUSABLE = (tf.errors.OpError, AssertionError, ValueError, IndexError)


def vocab_paths(model_dir: Path, hparams: HParams) -> tuple[Path, Path]:
    """The vocabulary files of source and target in a model directory."""
    return model_dir / f"vocab.{hparams.src}", model_dir / f"vocab.{hparams.tgt}"


def load_model(model_dir: Path) -> tuple[Seq2Seq, Vocab, Vocab]:
    """The served model of a directory and its vocabularies. Raises `NmtError` when anything is missing or damaged."""
    hparams = HParams.load(model_dir)
    src_vocab, tgt_vocab = (Vocab.load(path) for path in vocab_paths(model_dir, hparams))
    prefix = model_dir / "best" / "weights"
    if not prefix.with_suffix(".index").exists():
        raise NmtError(f"no weights in {prefix.parent}: train a model into {model_dir} first")
    model = Seq2Seq(hparams, len(src_vocab), len(tgt_vocab))
    _read_weights(model, prefix)
    return model, src_vocab, tgt_vocab


def _read_weights(model: Seq2Seq, prefix: Path) -> None:
    try:
        tf.train.Checkpoint(model=model).read(str(prefix)).assert_consumed()
    except _UNUSABLE as error:
        raise NmtError(
            f"the weights in {prefix.parent} are damaged or of another model: {_first_line(error)}"
        ) from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


@contextmanager
def _writing(directory: Path) -> Iterator[None]:
    """TensorFlow's complaints about a disk as `NmtError`."""
    try:
        yield
    except tf.errors.OpError as error:
        raise NmtError(f"can't write weights into {directory}: {_first_line(error)}") from error


class Checkpoints:
    """Saves and restores the training of one model directory."""

    def __init__(self, model_dir: Path, model: Seq2Seq, optimizer: Optimizer) -> None:
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._model = model
        self._model_dir = model_dir
        self._best_dir = model_dir / "best"
        self._manager = tf.train.CheckpointManager(
            tf.train.Checkpoint(model=model, optimizer=optimizer, step=self.step),
            str(model_dir / "ckpt"),
            max_to_keep=model.hparams.num_keep_ckpts,
        )

    def restore(self) -> int:
        """Load the last checkpoint, if there is one; the step that it was saved at, 0 without one."""
        try:
            self._manager.restore_or_initialize()
        except _UNUSABLE as error:
            raise NmtError(f"can't go on from {self._manager.latest_checkpoint}: {_first_line(error)}") from error
        return int(self.step.numpy())

    def save(self, step: int) -> None:
        """Write a checkpoint to go on from."""
        self.step.assign(step)
        with _writing(self._model_dir):
            self._manager.save(checkpoint_number=step)

    def best(self) -> dict[str, Any] | None:
        """Step and scores of the best weights, `None` when there are none yet."""
        path = self._best_dir / "best.json"
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (TypeError, ValueError) as error:
            raise NmtError(f"can't read {path}: {error}: remove it, and the next weights are the best") from error

    def load_best(self) -> None:
        """Put the served weights back into the model."""
        _read_weights(self._model, self._best_dir / "weights")

    def save_best(self, scores: dict[str, Any]) -> None:
        """Make the present weights the served ones. They are complete under another name before they are renamed."""
        fresh = self._best_dir.with_name("best.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        with _writing(self._model_dir):
            tf.train.Checkpoint(model=self._model).write(str(fresh / "weights"))
        (fresh / "best.json").write_text(json.dumps(scores, indent=2) + "\n", encoding="utf-8")
        shutil.rmtree(self._best_dir, ignore_errors=True)
        fresh.rename(self._best_dir)
