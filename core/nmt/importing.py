"""A model of tensorflow/nmt made one of ours: `bin/import_nmt`, and the first step of training that goes on from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from core.nmt.checkpoints import Checkpoints, vocab_paths
from core.nmt.errors import NmtError
from core.nmt.hparams_file import FILE_NAME, save_hparams
from core.nmt.optimizers import make_optimizer
from core.nmt.original_model import OriginalModel, Places
from core.nmt.vocab import Vocab


def import_original(model_dir: Path, out_dir: Path, places: Places | None = None) -> OriginalModel:
    """Write into `out_dir` a model of ours with the weights of the one in `model_dir`, which stays as it is.

    `out_dir` may be `model_dir`: ours has other files. Adam's moments come along, so that training goes on as it
    would have there. The hyperparameters are written last: until then there is no model of ours.

    Raises `NmtError` when the original can't be read, and when `out_dir` holds a model of ours already.
    """
    if (out_dir / FILE_NAME).exists():
        raise NmtError(f"there is a model in {out_dir} already: give another directory")
    original = OriginalModel(model_dir, places)
    unwritten = list(_unwritten_vocabs(original, out_dir))
    model = original.build()
    optimizer = make_optimizer(original.hparams.optimizer, model.trainable_variables)
    original.fill(model, optimizer)
    out_dir.mkdir(parents=True, exist_ok=True)
    for vocab, path in unwritten:
        vocab.save(path)
    checkpoints = Checkpoints(out_dir, model, optimizer)
    checkpoints.save(original.step)
    checkpoints.save_best({"step": original.step})
    save_hparams(original.hparams, out_dir)
    return original


def _unwritten_vocabs(original: OriginalModel, out_dir: Path) -> Iterator[tuple[Vocab, Path]]:
    """The vocabularies with their paths, but for those that are there, which may be the original's own files."""
    hparams = original.hparams
    for vocab, path in zip((original.src_vocab, original.tgt_vocab), vocab_paths(out_dir, hparams), strict=True):
        if not path.exists():
            yield vocab, path
        elif Vocab.load(path, sos=hparams.sos, eos=hparams.eos) != vocab:
            raise NmtError(f"{path} is another vocabulary than the model's: import it into another directory")
