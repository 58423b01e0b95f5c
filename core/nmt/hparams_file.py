"""The file in a model directory that holds its hyperparameters: `hparams.json`, or `hparams` of tensorflow/nmt."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from core.nmt.errors import NmtError
from core.nmt.hparams import HParams, default_values
from core.nmt.original_hparams import ORIGINAL_FILE_NAME, read_json, read_original
from core.nmt.whole_file import whole_file

FILE_NAME = "hparams.json"


def save_hparams(hparams: HParams, directory: Path) -> None:
    """Write `hparams.json` into a model directory, whole or not at all: without it the weights there are lost."""
    with whole_file(directory / FILE_NAME) as file:
        file.write(json.dumps(asdict(hparams), indent=2, ensure_ascii=False) + "\n")


def load_hparams(directory: Path) -> HParams:
    """Read a model directory's `hparams.json`, or the `hparams` that tensorflow/nmt left there.

    Raises `NmtError` when there is neither, or it is not understood.
    """
    path = directory / FILE_NAME
    if not path.exists() and (directory / ORIGINAL_FILE_NAME).exists():
        return load_original_hparams(directory / ORIGINAL_FILE_NAME)[0]
    if not path.exists():
        raise NmtError(f"no model in {directory}: {FILE_NAME} is missing")
    values = read_json(path)
    try:
        return HParams.from_values(values)
    except NmtError as error:
        raise NmtError(f"{path}: {error}") from error


def load_original_hparams(path: Path) -> tuple[HParams, tuple[str, ...]]:
    """Read an `hparams` file of tensorflow/nmt: hyperparameters, and the names in it that no longer apply.

    Raises `NmtError` when it is not understood, or asks for what this engine does not do.
    """
    file = read_json(path)
    try:
        original = read_original(file, default_values())
        if None in (original.values.get(f"num_{side}_layers") for side in ("encoder", "decoder")):
            raise NmtError("it does not say how many layers the model has")
        hparams = HParams.from_values(original.values)
        for side, count in original.residual_layers.items():
            _check_residual_layers(hparams, side, count)
    except NmtError as error:
        raise NmtError(f"{path}: {error}") from error
    return hparams, (*original.obsolete, *original.unknown)


def _check_residual_layers(hparams: HParams, side: str, count: int) -> None:
    ours = hparams.encoder_residual_layers if side == "encoder" else hparams.decoder_residual_layers
    if count != ours:
        raise NmtError(
            f"residual connections in {count} layers of the {side}: with its other values this engine has {ours}, "
            "and would answer otherwise than the model learned to"
        )
