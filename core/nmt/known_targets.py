"""The sentences that a model may say with `--known_targets`: a file beside its weights, read as a tree of ids."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from core.nmt.dataset import read_tokens
from core.nmt.errors import NmtError
from core.nmt.hparams import HParams
from core.nmt.target_tree import TargetTree
from core.nmt.vocab import Vocab
from core.nmt.whole_file import whole_file


def known_targets_path(model_dir: Path, hparams: HParams) -> Path:
    """`known.<tgt>` in a model directory: one sentence a line, tokens as in the target files."""
    return model_dir / f"known.{hparams.tgt}"


def write_known_targets(path: Path, sentences: Iterable[str]) -> None:
    """Write the file, each sentence once, in the order in which they come. Raises `NmtError` when it can't be."""
    try:
        with whole_file(path) as file:
            file.writelines(f"{line}\n" for line in dict.fromkeys(sentences))
    except OSError as error:
        raise NmtError(f"can't write {path}: {error.strerror or error}") from error


def read_known_targets(model_dir: Path, hparams: HParams, vocab: Vocab) -> TargetTree | None:
    """The tree of a model directory's sentences, None without `--known_targets`.

    A sentence with a token that the vocabulary hasn't can't be said, and is left out. Raises `NmtError` when the file
    is missing or nothing is left of it.
    """
    if not hparams.known_targets:
        return None
    path = known_targets_path(model_dir, hparams)
    if not path.exists():
        raise NmtError(f"--known_targets needs {path}, a sentence a line that may be said: write it, or leave it out")
    sentences = [vocab.numbers(line) for line in read_tokens(path) if line and all(token in vocab for token in line)]
    if not sentences:
        raise NmtError(f"{path} holds no sentence of the vocabulary's tokens: nothing could be said")
    return TargetTree(sentences, vocab.eos_id)
