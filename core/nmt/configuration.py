"""Which hyperparameters a command means: its flags, the files that they name, and the model that is there already.

A new model has, from the weakest to the strongest: the defaults, `--standard_hparams_path`, the flags,
`--hparams_path`. A model that is there keeps what its weights were learned with; `--override_loaded_hparams` lets
the command decide instead. The rules are tensorflow/nmt's, except that a model of this engine also keeps how it
searches for answers, as far as the command does not say otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.nmt.errors import NmtError
from core.nmt.flags import CommandLine, without_effect
from core.nmt.hparams import HParams, check_values, default_values, flag_fields
from core.nmt.hparams_file import FILE_NAME, load_hparams, load_original_hparams
from core.nmt.hyperparameter import Role, unknown_name
from core.nmt.original_hparams import ORIGINAL_FILE_NAME, read_json, read_original

STANDARD_DIRECTORY = Path(__file__).with_name("standard_hparams")

_ROLES = {spec.name: spec.metadata["role"] for spec in flag_fields()}
# What is for these searches alone; to another it says nothing.
_SEARCHES = {
    "beam_width": ("beam_search",),
    "length_penalty_weight": ("beam_search",),
    "coverage_penalty_weight": ("beam_search",),
    "leave_one_out": ("beam_search",),
    "sampling_temperature": ("sample",),
    "top_k": ("sample",),
    "top_p": ("sample",),
    "num_translations_per_input": ("beam_search", "sample"),
}


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a command means.

    Attributes:
        directory: the model's directory.
        hparams: the hyperparameters to work with.
        notes: lines for the log: what was given and does not count, and what follows from what was given.
    """

    directory: Path
    hparams: HParams
    notes: tuple[str, ...]


def configure(command: CommandLine) -> Configuration:
    """What `command` means. Raises `NmtError` for values that no model, or not the one that is there, can have."""
    directory = model_directory(command)
    asked, notes = _asked(command)
    model, is_original, about_model = _load(directory)
    if model is None:
        hparams = HParams.from_values(asked)
    elif command.options.override_loaded_hparams:
        hparams = _override(model, asked)
    else:
        wanted, ignored = _allowed(model, asked)
        if "inference_input_file" not in command.paths:
            notes += ignored
        elif "random_seed" in asked:  # what samples are drawn from: there is nothing to learn
            wanted["random_seed"] = asked["random_seed"]
        hparams = model.updated({**_original_decoding(is_original), **wanted})
    if model is not None:
        notes += about_model + _changes(model, hparams, asked)
    notes += _idle(hparams, asked) + _consequences(hparams)
    return Configuration(directory, hparams, (*without_effect(command), *notes))


def model_directory(command: CommandLine) -> Path:
    """Where the model lies: to answer beside the `--ckpt`, or one above it, else in `--out_dir`.

    Raises `NmtError` for nowhere.
    """
    ckpt = command.paths.get("ckpt")
    if ckpt and "inference_input_file" in command.paths:
        for directory in (ckpt.parent, ckpt.parent.parent):
            if _holds_model(directory):
                return directory
    return command.path("out_dir")


def _holds_model(directory: Path) -> bool:
    return any((directory / name).is_file() for name in (FILE_NAME, ORIGINAL_FILE_NAME))


def _load(directory: Path) -> tuple[HParams | None, bool, list[str]]:
    """The model's own hyperparameters, if there are any; whether tensorflow/nmt wrote them; and what to say of them."""
    if (directory / FILE_NAME).exists():
        return load_hparams(directory), False, []
    path = directory / ORIGINAL_FILE_NAME
    if not path.is_file():
        return None, False, []
    hparams, ignored = load_original_hparams(path)
    return hparams, True, [f"{path} is tensorflow/nmt's; what does not apply here is ignored: {', '.join(ignored)}"]


def _asked(command: CommandLine) -> tuple[dict[str, Any], list[str]]:
    """The values that flags and files give, by name, and what to say of those that do not count."""
    notes: list[str] = []
    weak = _read_settings(command.options.standard_hparams_path, "standard_hparams_path", notes)
    strong = _read_settings(command.options.hparams_path, "hparams_path", notes)
    for name, value in command.hparams.items():
        if name in strong and strong[name] != value:
            notes.append(f"--{name}={_shown(value)} gives way to --hparams_path: {_shown(strong[name])}")
    asked = {**weak, **command.hparams, **strong}
    # A width alone asks for a beam search; a mode that is named decides, whatever the width.
    if "infer_mode" not in asked and "beam_width" in asked:
        asked["infer_mode"] = "beam_search" if asked["beam_width"] else "greedy"
    elif asked.get("infer_mode") == "greedy":
        if asked.get("beam_width"):
            notes.append(f"--beam_width={asked['beam_width']} does not count: --infer_mode=greedy has one hypothesis")
        asked["beam_width"] = 0
    return asked, notes


def _read_settings(named: str, flag: str, notes: list[str]) -> dict[str, Any]:
    """The hyperparameters in a file, or in the shipped one of this name; none without a name."""
    if not named:
        return {}
    path, shipped = Path(named), STANDARD_DIRECTORY / f"{named.removesuffix('.json')}.json"
    if not path.is_file():
        names = sorted(file.stem for file in STANDARD_DIRECTORY.glob("*.json"))
        if shipped.stem not in names:
            raise NmtError(f"no file --{flag}={named}: give a path, or one of {', '.join(names)}")
        path = shipped
    file = read_json(path)
    try:
        original = read_original(file, default_values())
        if original.unknown:
            raise unknown_name("hyperparameter", original.unknown[0], default_values())
        values = check_values(original.values)
    except NmtError as error:
        raise NmtError(f"{path}: {error}") from error
    if original.obsolete:
        notes.append(f"{path}: what does not apply here is ignored: {', '.join(original.obsolete)}")
    return values


def _override(model: HParams, asked: Mapping[str, Any]) -> HParams:
    """As if there were no model yet, but for the shape of its weights, which only a new one could have otherwise."""
    kept = {name for name, role in _ROLES.items() if role is Role.SHAPE}
    defaults = {name: value for name, value in default_values().items() if name not in kept}
    return model.updated({**defaults, **asked})


def _allowed(model: HParams, asked: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The values that count for a model that is there, and what to say of the others."""
    wanted, ignored = dict(asked), []
    for name, value in asked.items():
        if _ROLES[name] is Role.LEARNING:
            del wanted[name]
            if value != getattr(model, name):
                ignored.append(
                    f"--{name}={_shown(value)} is ignored: the model that is there has {_shown(getattr(model, name))}; "
                    "give --override_loaded_hparams to change how it learns"
                )
    return wanted, ignored


def _original_decoding(is_original: bool) -> dict[str, Any]:
    """tensorflow/nmt answers as the command says, and where that says nothing by the defaults, not by the model's."""
    defaults = default_values()
    return {name: defaults[name] for name, role in _ROLES.items() if is_original and role is Role.DECODING}


def _changes(model: HParams, hparams: HParams, asked: Mapping[str, Any]) -> list[str]:
    """What is otherwise than in the model that is there, although nobody asked for another value."""
    before, after = asdict(model), asdict(hparams)
    return [
        f"{name}: {_shown(before[name])} → {_shown(after[name])}"
        for name, role in _ROLES.items()
        if role is not Role.NO_EFFECT and name not in asked and before[name] != after[name]
    ]


def _idle(hparams: HParams, asked: Mapping[str, Any]) -> list[str]:
    """What was asked for of another search than the one that there will be."""
    search, defaults = "beam_search" if hparams.beams else hparams.infer_mode, default_values()
    notes = []
    if asked.get("leave_one_out") and hparams.beams and not hparams.reads_again:
        value = _shown(asked["leave_one_out"])
        notes.append(f"--leave_one_out={value} does not count: it is for two beams or more among --known_targets")
    if hparams.members > 1 and "members" in asked and not hparams.reads_again:
        notes.append(
            f"--members={hparams.members} learn, but the first answers alone: "
            "they do together for two beams or more among --known_targets"
        )
    return notes + [
        f"--{name}={_shown(asked[name])} does not count: it is for --infer_mode={' or '.join(searches)}, "
        f"and this is {search}"
        for name, searches in _SEARCHES.items()
        if name in asked and asked[name] != defaults[name] and search not in searches
    ]


def _consequences(hparams: HParams) -> list[str]:
    """What follows from the values without having been given."""
    if hparams.language_model:
        return ["a language model has no encoder: it has no attention, and the target's vocabulary alone"]
    if hparams.pass_hidden_state and not hparams.passes_state:
        return [
            f"the decoder starts from zeros: it has {hparams.decoder_layers} layers, "
            f"and the encoder, whose state it would start from, {hparams.encoder_layers}"
        ]
    return []


def _shown(value: Any) -> str:
    """A value as it is typed."""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if value == "" else str(value)
