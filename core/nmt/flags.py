"""The engine's command line: what may be typed, and what it means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.nmt.errors import NmtError
from core.nmt.hparams import flag_fields, parse_value, unknown_name

# Flags that name a place, and so are no hyperparameters.
PATHS = {
    "out_dir": "The model's directory: training writes it, inference reads it.",
    "vocab_prefix": "The vocabularies are PREFIX.<src> and PREFIX.<tgt>.",
    "train_prefix": "The training files, likewise.",
    "dev_prefix": "The files by which the best weights are chosen; without them the last are the best.",
    "test_prefix": "The files that are scored at the end.",
    "inference_input_file": "Answer the sentences of this file instead of training.",
    "inference_output_file": "Where the answers go, one a line.",
    "progress_file": "Progress is appended here as JSON, one object a line.",
}


@dataclass(frozen=True, slots=True)
class CommandLine:
    """What was typed: paths and hyperparameters by name, only those that were given."""

    paths: dict[str, Path]
    hparams: dict[str, Any]

    def path(self, name: str) -> Path:
        """A path that this command needs. Raises `NmtError` when it was not given."""
        if name not in self.paths:
            raise NmtError(f"--{name} is missing: {PATHS[name]}")
        return self.paths[name]


def parse(argv: Sequence[str]) -> CommandLine:
    """Read `--name=value` and `--name value`; a bare `--name` is true. Raises `NmtError` for anything else."""
    kinds = {spec.name for spec in flag_fields()}
    paths: dict[str, Path] = {}
    hparams: dict[str, Any] = {}
    words = list(argv)
    while words:
        word = words.pop(0)
        if not word.startswith("--"):
            raise NmtError(f"{word!r} is no flag: flags are written --name=value")
        name, given, value = word[2:].partition("=")
        if name not in kinds and name not in PATHS:
            raise unknown_name("flag", f"--{name}", [*kinds, *PATHS])
        if not given and words and not words[0].startswith("--"):
            given, value = "=", words.pop(0)
        if name in PATHS:
            if not value:
                raise NmtError(f"--{name} needs a value: {PATHS[name]}")
            paths[name] = Path(value)
        else:
            hparams[name] = parse_value(name, value if given else "true")
    return CommandLine(paths, hparams)


def help_text() -> str:
    """Every flag with its default and its meaning."""
    lines = ["python -m core.nmt --flag=value …", "", "Paths:"]
    lines += [f"  --{name}\n      {text}" for name, text in PATHS.items()]
    lines += ["", "Hyperparameters:"]
    for spec in flag_fields():
        choices = spec.metadata["choices"]
        values = f" (one of {', '.join(repr(choice) for choice in choices)})" if choices else ""
        lines.append(f"  --{spec.name}={spec.default}\n      {spec.metadata['help']}{values}")
    return "\n".join(lines) + "\n"
