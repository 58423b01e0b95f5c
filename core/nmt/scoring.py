"""The scores of a model as it stands, without training: of ours, or of one that tensorflow/nmt left."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from core.nmt.checkpoints import load_model
from core.nmt.dataset import read_corpus
from core.nmt.evaluation import Evaluator
from core.nmt.hparams import HParams
from core.nmt.known_targets import read_known_targets
from core.nmt.original_model import Places


def score_model(
    model_dir: Path, corpora: Mapping[str, Path], hparams: HParams, places: Places | None = None
) -> dict[str, dict[str, float]]:
    """Perplexity and each of `--metrics` on each of `corpora`, which are names and prefixes of files.

    Answers are searched for as `hparams` say, which are those of the model with a command's flags. Nothing is written.
    Raises `NmtError` when the model or a file can't be used.
    """
    model, src_vocab, tgt_vocab = load_model(model_dir, places)
    model.hparams = hparams
    evaluator = Evaluator(model, tgt_vocab, read_known_targets(model_dir, hparams, tgt_vocab))
    return {
        name: evaluator.scores(read_corpus(prefix, hparams, src_vocab, tgt_vocab, training=False))
        for name, prefix in corpora.items()
    }
