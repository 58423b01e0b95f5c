"""A model directory as tensorflow/nmt and NM-chatbot left it, read as it is: nothing in it is ever written.

hparams                                      JSON, with paths that held where it was trained
checkpoint  translate.ckpt-<step>.*          TensorFlow 1 checkpoints, the newest of which is the model
best_<metric>/  avg_best_<metric>/  …        others: name them by --ckpt, or the directory where it holds hparams too

The vocabularies lie wherever they lay in training, and so do embeddings that were given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from core.nmt.embeddings import Vectors, read_vectors
from core.nmt.errors import NmtError
from core.nmt.hparams_file import FILE_NAME, load_original_hparams
from core.nmt.model import Pretrained, Seq2Seq
from core.nmt.optimizers import Optimizer
from core.nmt.original_hparams import ORIGINAL_FILE_NAME, read_json
from core.nmt.original_weights import OriginalCheckpoint, read_optimizer, read_weights
from core.nmt.vocab import Vocab


@dataclass(frozen=True, slots=True)
class Places:
    """Where to look for what does not lie in a model directory; `None`: where its hparams say, and near it.

    `ckpt`: a checkpoint, without `.index`. `vocab` and `embed`: prefixes, as `--vocab_prefix` and `--embed_prefix`.
    """

    ckpt: Path | None = None
    vocab: Path | None = None
    embed: Path | None = None


def is_original(model_dir: Path) -> bool:
    """Whether a directory holds a model of tensorflow/nmt and none of ours."""
    return (model_dir / ORIGINAL_FILE_NAME).is_file() and not (model_dir / FILE_NAME).exists()


class OriginalModel:
    """One model of tensorflow/nmt: its hyperparameters, vocabularies, weights, and what its optimizer had gathered.

    Raises `NmtError` when something is missing, damaged, or not what its hparams describe, and says what to give.
    """

    def __init__(self, model_dir: Path, places: Places | None = None) -> None:
        self._dir = model_dir
        places = places or Places()
        path = model_dir / ORIGINAL_FILE_NAME
        if not path.is_file():
            raise NmtError(f"no model of tensorflow/nmt in {model_dir}: its file {path.name} is missing")
        self.hparams, self.ignored = load_original_hparams(path)
        self._file = read_json(path)
        self.src_vocab, self.tgt_vocab = self._vocabs(places.vocab)
        self._vectors = self._pretrained(places.embed)
        self._checkpoint = OriginalCheckpoint(str(checkpoint_prefix(model_dir, places.ckpt)))

    @property
    def step(self) -> int:
        """The step that training had reached."""
        return self._checkpoint.step

    def build(self) -> Seq2Seq:
        """A model of ours with these weights."""
        model = Seq2Seq(self.hparams, len(self.src_vocab), len(self.tgt_vocab), self._vectors)
        self.fill(model)
        return model

    def fill(self, model: Seq2Seq, optimizer: Optimizer | None = None) -> None:
        """Put the weights into `model`, and into `optimizer`, if it is the one of the original, its moments."""
        partitions = int(self._file.get("num_embeddings_partitions") or 0)
        read_weights(self._checkpoint, model, partitions)
        if optimizer is not None:
            read_optimizer(self._checkpoint, model, optimizer, partitions)

    def _vocabs(self, prefix: Path | None) -> tuple[Vocab, Vocab]:
        target = self._vocab("tgt", prefix)
        # A language model and a shared vocabulary have one file, the source's, which the original names twice.
        return (target, target) if self.hparams.share_vocab else (self._vocab("src", prefix), target)

    def _vocab(self, side: str, prefix: Path | None) -> Vocab:
        """The vocabulary of a side: the first file that can be the one it was trained with, by its size."""
        hparams, size = self.hparams, self._file.get(f"{side}_vocab_size")
        suffix = hparams.src if side == "src" or hparams.share_vocab else hparams.tgt
        sizes: list[str] = []
        for path in self._candidates(f"{side}_vocab_file", "vocab_prefix", suffix, prefix):
            special = hparams.check_special_token
            vocab = Vocab.load(path, sos=hparams.sos, eos=hparams.eos, add_specials=special)
            if size in (None, len(vocab)):
                return vocab
            sizes.append(f"{path} has {len(vocab)}")
        found = f"; {', '.join(sizes)}" if sizes else ""
        raise NmtError(
            f"no vocabulary of {size or 'any'} tokens for the model in {self._dir}{found}: "
            f"give --vocab_prefix=PREFIX, for a file PREFIX.{suffix}, or put it there as vocab.{suffix}"
        )

    def _pretrained(self, prefix: Path | None) -> Pretrained:
        if self.hparams.share_vocab:
            # The original takes the source's file, or where there is none the target's.
            return Pretrained(self._vector_rows("src", prefix) or self._vector_rows("tgt", prefix))
        return Pretrained(self._vector_rows("src", prefix), self._vector_rows("tgt", prefix))

    def _vector_rows(self, side: str, prefix: Path | None) -> Vectors | None:
        """The rows of a side that were given to the model and never learned, so that its checkpoint has none."""
        if not self._file.get(f"{side}_embed_file"):
            return None
        suffix = self.hparams.src if side == "src" else self.hparams.tgt
        for path in self._candidates(f"{side}_embed_file", "embed_prefix", suffix, prefix):
            return read_vectors(path, self.src_vocab if side == "src" else self.tgt_vocab)
        raise NmtError(
            f"no embeddings {self._file[f'{side}_embed_file']}, which the model in {self._dir} was made with: "
            f"give --embed_prefix=PREFIX, for a file PREFIX.{suffix}"
        )

    def _candidates(self, name: str, prefix_name: str, suffix: str, prefix: Path | None) -> Iterator[Path]:
        """Files that may be the one that the hparams call `name`, likely ones first; only of `prefix` where given."""
        if prefix is not None:
            yield prefix.with_name(f"{prefix.name}.{suffix}")
            return
        named = [self._file.get(name), f"{self._file[prefix_name]}.{suffix}" if self._file.get(prefix_name) else None]
        near = [path for wanted in named if wanted for path in self._beside(Path(wanted))]
        tried: set[Path] = set()
        for path in [*near, self._dir / f"vocab.{suffix}"]:
            if path.is_file() and (real := path.resolve()) not in tried:
                tried.add(real)
                yield path

    def _beside(self, path: Path) -> Iterator[Path]:
        """What `path`, written where the model was trained, may be called here.

        Seen from the model's directory as it was from `out_dir`; then its name, with ever more directories before it,
        in the model's directory or the one above; then the path as it stands.
        """
        out_dir = Path(self._file.get("out_dir") or ".")
        for home in (self._dir, self._dir.parent):  # a best_<metric> directory has the hparams of the one above
            if path.is_absolute() == out_dir.is_absolute():
                yield home / relative(path, out_dir)
            if not path.is_absolute():
                yield home / path
            names = [part for part in path.parts if part not in (path.anchor, ".", "..")]
            for count in range(1, len(names) + 1):
                yield home.joinpath(*names[-count:])
        yield path


def relative(path: Path, start: Path) -> Path:
    """`path` as seen from `start`, neither of which need exist: both absolute, or both of one directory."""
    there, here = _normal(path), _normal(start)
    common = 0
    while common < min(len(there), len(here)) and there[common] == here[common]:
        common += 1
    return Path(*[".."] * (len(here) - common), *there[common:])


def _normal(path: Path) -> list[str]:
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return parts


def checkpoint_prefix(model_dir: Path, ckpt: Path | None = None) -> Path:
    """The checkpoint to read: `ckpt`, or the newest of a directory, without `.index`.

    The newest is the one that the file `checkpoint` names, in this directory, for it may have been moved since; where
    that is not there, the one of the highest step. Raises `NmtError` when there is none.
    """
    if ckpt is not None:
        if not _exists(ckpt):
            raise NmtError(
                f"no checkpoint {ckpt}: --ckpt is its path up to the step, as {model_dir}/translate.ckpt-1000"
            )
        return ckpt
    state = tf.train.get_checkpoint_state(str(model_dir))
    newest = Path(state.model_checkpoint_path) if state else None
    named = [model_dir / newest.name, newest] if newest else []
    steps = sorted(model_dir.glob("*.index"), key=_step_of)
    for prefix in [*named, *(path.with_suffix("") for path in reversed(steps))]:
        if _exists(prefix):
            return prefix
    raise NmtError(f"no checkpoint in {model_dir}: it must hold translate.ckpt-STEP.index and .data-00000-of-00001")


def _exists(prefix: Path) -> bool:
    return prefix.with_name(f"{prefix.name}.index").is_file()


def _step_of(index: Path) -> int:
    step = re.search(r"-(\d+)\.index$", index.name)
    return int(step.group(1)) if step else -1
