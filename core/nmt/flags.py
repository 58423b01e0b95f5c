"""The engine's command line: what may be typed, and what it means."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import Field, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from core.nmt.errors import NmtError
from core.nmt.hparams import flag_fields, parse_value
from core.nmt.hyperparameter import Role, check_value, flag, parse_text, unknown_name

# Flags that name a place, and so are no hyperparameters.
PATHS = {
    "out_dir": "The model's directory: training writes it, inference reads it.",
    "vocab_prefix": "The vocabularies are PREFIX.<src> and PREFIX.<tgt>.",
    "embed_prefix": "Embeddings to begin with, likewise, as text: a token and its numbers on each line.",
    "train_prefix": "The training files, likewise.",
    "dev_prefix": "The files by which the best weights are chosen; without them the last are the best. "
    "Without --train_prefix the model that is there is only scored.",
    "test_prefix": "The files that are scored at the end.",
    "init_from": "The model directory whose weights a new model begins with. Its shape must be ours, and its "
    "vocabularies the beginning of ours: what is new to them begins as in any new model.",
    "goal_prefix": "Pairs that are to be answered word for word: training ends as soon as they are.",
    "keep_prefix": "Pairs that are answered word for word already, and are to stay so: those that get lost on the way "
    "to the goals become goals too.",
    "progress_file": "Progress is appended here as JSON, one object a line.",
    "ckpt": "The checkpoint to answer with, where it is not the served one of --out_dir.",
    "inference_input_file": "Answer the sentences of this file instead of training.",
    "inference_output_file": "Where the answers go, one a line.",
    "inference_ref_file": "Score the answers against this file, by --metrics.",
    "nbest_output_file": "All hypotheses with their scores go here as JSON, one source sentence a line.",
    "alignments_output_file": "What each answer's tokens attended to goes here as JSON, one answer a line.",
}

# Paths that may be given empty, which is what tensorflow/nmt's own scripts give for none.
_MAY_BE_EMPTY = ("ckpt",)

# The first hyperparameter of each part of --help.
_GROUPS = {
    "src": "Data",
    "num_units": "Architecture",
    "optimizer": "Optimisation",
    "steps_per_stats": "Evaluation and checkpoints",
    "infer_mode": "Decoding",
    "num_inter_threads": "Machine",
}


@dataclass(frozen=True, slots=True)
class Options:
    """Flags that say what this one command is to do, and are kept nowhere."""

    standard_hparams_path: str = flag(
        "", "Take hyperparameters that are not given from this file, or from iwslt15, wmt16, wmt16_gnmt_4_layer, …"
    )
    hparams_path: str = flag("", "Likewise, but what stands there wins over the flags.")
    override_loaded_hparams: bool = flag(
        False, "A model that is there goes on with the command's hyperparameters instead of its own."
    )
    goal_share: float = flag(0.25, "Share of each batch that is drawn from the goals.", above=0, below=1)
    steps_per_goal_check: int = flag(20, "Steps from asking all goals to asking them again.", least=1)
    max_lost: float = flag(0.0, "Share of --keep_prefix that may be lost when training ends.", least=0, below=1)
    inference_list: str = flag("", "Answer these sentences of the file alone: their numbers from 0, by comma.")
    jobid: int = flag(0, "This process's number among the --num_workers, from 0.", least=0)
    num_workers: int = flag(1, "Processes that share one inference file; the last to end gathers the answers.", least=1)

    def __post_init__(self) -> None:
        """Raise `NmtError` for a value that means nothing."""
        for spec in fields(self):
            check_value(spec, getattr(self, spec.name))
        if self.jobid >= self.num_workers:
            raise NmtError(f"--jobid={self.jobid} must be below --num_workers={self.num_workers}: jobs count from 0")
        _ = self.inference_indices

    @property
    def inference_indices(self) -> tuple[int, ...] | None:
        """The numbers in `inference_list`, `None` without it."""
        if not self.inference_list:
            return None
        words = [word.strip() for word in self.inference_list.split(",")]
        if not all(word.isascii() and word.isdigit() for word in words):
            raise NmtError(f"--inference_list={self.inference_list} must be numbers from 0, by comma, as 0,7")
        return tuple(int(word) for word in words)


@dataclass(frozen=True, slots=True)
class CommandLine:
    """What was typed: paths and hyperparameters by name, only those that were given, and the other flags."""

    paths: dict[str, Path]
    hparams: dict[str, Any]
    options: Options = field(default_factory=Options)

    def path(self, name: str) -> Path:
        """A path that this command needs. Raises `NmtError` when it was not given."""
        if name not in self.paths:
            raise NmtError(f"--{name} is missing: {PATHS[name]}")
        return self.paths[name]


def parse(argv: Sequence[str]) -> CommandLine:
    """Read `--name=value` and `--name value`; a bare `--name` is true. Raises `NmtError` for anything else."""
    names = {spec.name for spec in flag_fields()}
    options: dict[str, Any] = {}
    command = CommandLine({}, {})
    for name, value in _pairs(argv):
        if name in PATHS:
            if value:
                command.paths[name] = Path(value)
            elif name not in _MAY_BE_EMPTY or value is None:
                raise NmtError(f"--{name} needs a value: {PATHS[name]}")
        elif name in names:
            command.hparams[name] = parse_value(name, "true" if value is None else value)
        elif name in _option_kinds():
            options[name] = parse_text(name, "true" if value is None else value, _option_kinds()[name])
        else:
            raise unknown_name("flag", f"--{name}", [*names, *_option_kinds(), *PATHS])
    return CommandLine(command.paths, command.hparams, Options(**options))


def _pairs(argv: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Each flag with its value, `None` for a bare one."""
    words = list(argv)
    while words:
        word = words.pop(0)
        if not word.startswith("--"):
            raise NmtError(f"{word!r} is no flag: flags are written --name=value")
        name, given, value = word[2:].partition("=")
        if given:
            yield name, value
        elif words and not words[0].startswith("--"):
            yield name, words.pop(0)
        else:
            yield name, None


def without_effect(command: CommandLine) -> tuple[str, ...]:
    """A line for each flag of the command that is accepted for tensorflow/nmt's sake alone."""
    return tuple(
        f"--{spec.name} has no effect: {spec.metadata['help'].removeprefix('No effect: ')}"
        for spec in flag_fields()
        if spec.name in command.hparams and spec.metadata["role"] is Role.NO_EFFECT
    )


def option_fields() -> tuple[Field[Any], ...]:
    """Every flag that is neither a path nor a hyperparameter."""
    return fields(Options)


def help_text() -> str:
    """Every flag with its default and its meaning, in groups."""
    parts = ["python -m core.nmt --flag=value …\n\nTrains a model, or answers --inference_input_file with one."]
    parts.append("A switch may be bare: --residual is --residual=true.\n\nFiles")
    parts += [_entry(f"--{name}", text) for name, text in PATHS.items()]
    parts.append("\nCommand")
    parts += [_field_entry(spec) for spec in option_fields()]
    for spec in flag_fields():
        if spec.name in _GROUPS:
            parts.append(f"\n{_GROUPS[spec.name]}")
        parts.append(_field_entry(spec))
    return "\n".join(parts) + "\n"


def _field_entry(spec: Field[Any]) -> str:
    choices = ", ".join(repr(choice) for choice in spec.metadata["choices"])
    return _entry(f"--{spec.name}={spec.default}", spec.metadata["help"] + (f" One of {choices}." if choices else ""))


def _entry(name: str, text: str) -> str:
    return f"  {name}\n" + textwrap.fill(
        text, 100, initial_indent=" " * 6, subsequent_indent=" " * 6, break_on_hyphens=False
    )


@cache
def _option_kinds() -> dict[str, tuple[type, ...]]:
    return {name: (kind,) for name, kind in get_type_hints(Options).items()}
