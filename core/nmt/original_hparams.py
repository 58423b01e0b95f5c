"""The `hparams` file that tensorflow/nmt writes into a model directory, in the names of this engine.

Every version of it is understood: the first had `num_layers` for encoder and decoder, and
`learning_rate_decay_scheme`. It also holds paths, what training had reached, and numbers that follow from others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.nmt.errors import NmtError

ORIGINAL_FILE_NAME = "hparams"

_OLD_DECAY_SCHEMES = {"luong": "luong5", "luong5": "luong5", "luong10": "luong10", "luong234": "luong234"}
# Which of its counts is which side's; the first version had one for both.
_RESIDUAL_LAYERS = {
    "num_residual_layers": ("encoder", "decoder"),
    "num_encoder_residual_layers": ("encoder",),
    "num_decoder_residual_layers": ("decoder",),
}
# What some version has that says nothing here: paths, what training reached, and what a new learning rate was.
_OBSOLETE = re.compile(
    r"(train|dev|test|vocab|embed)_prefix|out_dir|(src|tgt)_(vocab|embed)_file|(src|tgt)_vocab_size|epoch_step"
    r"|(avg_)?best_\w+|num_(enc|dec)_emb_partitions|inference_indices|override_loaded_hparams"
    r"|start_decay_step|decay_steps|decay_factor|learning_rate_warmup_(steps|factor)"
)


@dataclass(frozen=True, slots=True)
class Original:
    """What a file says.

    Attributes:
        values: hyperparameters of this engine, by name.
        residual_layers: how many layers of "encoder" and "decoder" have residual connections, where it says so.
        obsolete: names of a version of tensorflow/nmt that say nothing here, in order.
        unknown: names that no version had, in order.
    """

    values: dict[str, Any]
    residual_layers: dict[str, int]
    obsolete: tuple[str, ...]
    unknown: tuple[str, ...]


def read_original(file: Mapping[str, Any], defaults: Mapping[str, Any]) -> Original:
    """Translate the object in a file; `defaults` are those of this engine, by name.

    Raises `NmtError` for a value that has no meaning here.
    """
    # null is the default of whatever has one.
    values = {name: defaults[name] if file[name] is None else file[name] for name in file if name in defaults}
    values |= _layers(file)
    if "metrics" in file:
        values["metrics"] = _metrics(file["metrics"])
    if scheme := file.get("learning_rate_decay_scheme"):
        if scheme not in _OLD_DECAY_SCHEMES:
            raise NmtError(
                f"learning_rate_decay_scheme is {scheme!r}: it must be one of {', '.join(_OLD_DECAY_SCHEMES)}"
            )
        values["decay_scheme"] = _OLD_DECAY_SCHEMES[scheme]
    for name in ("sos", "eos"):
        values.update({name: defaults[name]} if values.get(name) == "" else {})
    if "attention" in values and not values["attention"]:
        # Where attention sits, of a model without any, was never asked.
        values["attention_architecture"] = "standard"
    # A width alone meant a beam search before there was an --infer_mode; since then the mode decides.
    if values.get("infer_mode", "beam_search") != "beam_search":
        values["beam_width"] = 0
    others = sorted(set(file) - {*defaults, *_RESIDUAL_LAYERS, "learning_rate_decay_scheme"})
    obsolete = tuple(name for name in others if _OBSOLETE.fullmatch(name))
    return Original(values, _residual_layers(file), obsolete, tuple(name for name in others if name not in obsolete))


def read_json(path: Path) -> dict[str, Any]:
    """The object that a JSON file holds. Raises `NmtError` when it can't be read or holds none."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NmtError(f"can't read {path}: {error}") from error
    if not isinstance(values, dict):
        raise NmtError(f"{path} must hold one JSON object")
    return values


def _layers(file: Mapping[str, Any]) -> dict[str, Any]:
    """The depth of both sides, which `num_layers` alone said at first and does not say at last."""
    depth = file.get("num_layers")
    sides = {f"num_{side}_layers": file.get(f"num_{side}_layers") or depth for side in ("encoder", "decoder")}
    found = {name: layers for name, layers in sides.items() if layers is not None}
    if len(found) == 2 and len(set(found.values())) == 1:
        found["num_layers"] = found["num_encoder_layers"]
    return found


def _metrics(metrics: Any) -> str:
    if isinstance(metrics, list) and all(isinstance(name, str) for name in metrics):
        return ",".join(metrics)
    if isinstance(metrics, str):
        return metrics
    raise NmtError(f"metrics is {metrics!r}: it must be a list of names")


def _residual_layers(file: Mapping[str, Any]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name, sides in _RESIDUAL_LAYERS.items():
        if name not in file:
            continue
        if type(file[name]) is not int:
            raise NmtError(f"{name} is {file[name]!r}: it must be int")
        counts |= dict.fromkeys(sides, file[name])
    return counts
