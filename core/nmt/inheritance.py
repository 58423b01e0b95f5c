"""A new model that begins with the weights of another one, whose vocabularies are the beginning of its own.

The rows of embeddings and the columns of the projection that belong to known tokens stay in their places; those of
new tokens keep the values that any new model begins with.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import tensorflow as tf

from core.nmt.checkpoints import load_model
from core.nmt.errors import NmtError
from core.nmt.hparams import HParams
from core.nmt.hyperparameter import Role
from core.nmt.model import Seq2Seq
from core.nmt.vocab import SourceVocab, Vocab


def inherit(model: Seq2Seq, vocabs: tuple[SourceVocab, Vocab], directory: Path) -> None:
    """Give `model` the served weights of the model in `directory`.

    Raises `NmtError` when that one can't be read, has another shape, or vocabularies that ours do not begin with.
    """
    ancestor, *known = load_model(directory)
    if differing := shape_differences(model.hparams, ancestor.hparams):
        raise NmtError(f"--init_from={directory}: the model there has another shape: {', '.join(differing)}")
    for side, ours, theirs in zip(("source", "target"), vocabs, known, strict=True):
        if isinstance(ours, Vocab) and isinstance(theirs, Vocab) and not ours.begins_with(theirs):
            raise NmtError(
                f"--init_from={directory}: our {side} vocabulary does not begin with the {len(theirs)} tokens of the "
                "one there: put new tokens at its end"
            )
    for variable, value in zip(model.variables, ancestor.variables, strict=True):
        _take_over(variable, value.numpy(), directory)


def shape_differences(ours: HParams, theirs: HParams) -> list[str]:
    """The hyperparameters that decide a model's weights and are not the same, as `name theirs → ours`."""
    return [
        f"{spec.name} {getattr(theirs, spec.name)} → {getattr(ours, spec.name)}"
        for spec in fields(HParams)
        if spec.metadata["role"] is Role.SHAPE and getattr(ours, spec.name) != getattr(theirs, spec.name)
    ]


def _take_over(variable: tf.Variable, value: np.ndarray, directory: Path) -> None:
    """Put `value` into the beginning of `variable` along both axes."""
    shape = tuple(variable.shape)
    if len(shape) != value.ndim or any(ours < theirs for ours, theirs in zip(shape, value.shape, strict=True)):
        raise NmtError(f"--init_from={directory}: {variable.name} is {value.shape} there and {shape} here")
    if shape != value.shape and variable.dtype.is_integer:
        raise NmtError(f"--init_from={directory}: a vocabulary with pretrained embeddings can't grow")
    begun = np.array(variable.numpy())  # an array of a number too, which could not be written to
    begun[tuple(slice(size) for size in value.shape)] = value
    variable.assign(begun)
