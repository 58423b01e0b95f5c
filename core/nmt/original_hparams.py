"""The `hparams` file that tensorflow/nmt writes into a model directory, in the names of this engine.

Every version of it is understood: the first had `num_layers` for encoder and decoder, `source_reverse` and
`learning_rate_decay_scheme`. It also holds paths, what training had reached, and numbers that follow from others.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from core.nmt.errors import NmtError

ORIGINAL_FILE_NAME = "hparams"

_OLD_DECAY_SCHEMES = {"luong": "luong5", "luong5": "luong5", "luong10": "luong10", "luong234": "luong234"}
# 0 is no limit and no interval there, as null is.
_ZERO_IS_NONE = ("src_max_len_infer", "tgt_max_len_infer", "steps_per_external_eval")
# Which of its counts is which side's; the first version had one for both.
_RESIDUAL_LAYERS = {
    "num_residual_layers": ("encoder", "decoder"),
    "num_encoder_residual_layers": ("encoder",),
    "num_decoder_residual_layers": ("decoder",),
}


@dataclass(frozen=True, slots=True)
class Original:
    """What an `hparams` file says.

    Attributes:
        values: hyperparameters of this engine, by name.
        residual_layers: how many layers of "encoder" and "decoder" have residual connections, where it says so.
        ignored: the names in the file that no longer apply, in order.
    """

    values: dict[str, Any]
    residual_layers: dict[str, int]
    ignored: tuple[str, ...]


def read_original(file: Mapping[str, Any], names: Collection[str]) -> Original:
    """Translate the object in an `hparams` file; `names` are the hyperparameters that this engine has.

    Raises `NmtError` for a value that has no meaning here.
    """
    # null is the default of whatever has one.
    given = {name: value for name, value in file.items() if value is not None}
    values = {name: value for name, value in given.items() if name in names}
    values |= _layers(given)
    if "metrics" in given:
        values["metrics"] = _metrics(given["metrics"])
    if scheme := given.get("learning_rate_decay_scheme"):
        if scheme not in _OLD_DECAY_SCHEMES:
            raise NmtError(
                f"learning_rate_decay_scheme is {scheme!r}: it must be one of {', '.join(_OLD_DECAY_SCHEMES)}"
            )
        values["decay_scheme"] = _OLD_DECAY_SCHEMES[scheme]
    for name in _ZERO_IS_NONE:
        if values.get(name) == 0:
            del values[name]
    for name in ("sos", "eos"):  # empty is the default there
        if values.get(name) == "":
            del values[name]
    if not values.get("attention"):
        # Where attention sits, of a model without any, was never asked.
        values.pop("attention_architecture", None)
    # A width alone meant a beam search before there was an --infer_mode; since then the mode decides.
    if given.get("infer_mode", "beam_search") != "beam_search":
        values["beam_width"] = 0
    understood = {*names, *_RESIDUAL_LAYERS, "learning_rate_decay_scheme"}
    return Original(values, _residual_layers(given), tuple(sorted(set(file) - understood)))


def _layers(given: Mapping[str, Any]) -> dict[str, Any]:
    """The three flags that say how many layers there are, in the shortest way."""
    depth = given.get("num_layers")
    encoder, decoder = (given.get(f"num_{side}_layers", depth) for side in ("encoder", "decoder"))
    if encoder is None or decoder is None:
        raise NmtError("num_encoder_layers and num_decoder_layers are missing, and num_layers too")
    if encoder == decoder:
        return {"num_layers": encoder, "num_encoder_layers": None, "num_decoder_layers": None}
    return {"num_layers": decoder, "num_encoder_layers": encoder, "num_decoder_layers": None}


def _metrics(metrics: Any) -> str:
    if isinstance(metrics, list) and all(isinstance(name, str) for name in metrics):
        return ",".join(metrics)
    if isinstance(metrics, str):
        return metrics
    raise NmtError(f"metrics is {metrics!r}: it must be a list of names")


def _residual_layers(given: Mapping[str, Any]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name, sides in _RESIDUAL_LAYERS.items():
        if name not in given:
            continue
        if type(given[name]) is not int:
            raise NmtError(f"{name} is {given[name]!r}: it must be int")
        counts |= dict.fromkeys(sides, given[name])
    return counts
