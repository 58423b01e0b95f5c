"""A run and its manifest: what it was made from, how it scored, and the sums that prove it is whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.registry.errors import RegistryError

MANIFEST = "manifest.json"

JsonDict = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What `manifest.json` says. It holds no absolute path, so a run directory can be moved.

    Args:
        run: name the run was made under.
        created_at: ISO 8601 with time zone.
        parent: run that was live when this one was made; None for the first.
        corpus: `hash` and counts of the corpus it was trained on, with the report.
        hparams: the engine's hyperparameters.
        metrics: scores, on trained and on unseen questions apart.
        packages: versions of the packages that made it.
        git_commit: commit of the code that made it, where there is one.
        seconds: seconds each phase took.
        training: how it was trained: `warm`, from the parent's weights or not, `why`, and `steps`.
        gate: what the gate said, `passed`, `forced` and its bars; empty for a version that met none.
        validation: what was found in the data before training.
        files: SHA-256 sum of each file by its path in the run, `/` between folders.
        extra: keys this version of the code does not know; kept as they are.
    """

    run: str
    created_at: str
    parent: str | None = None
    corpus: JsonDict = field(default_factory=dict)
    hparams: JsonDict = field(default_factory=dict)
    metrics: JsonDict = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    git_commit: str | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    training: JsonDict = field(default_factory=dict)
    gate: JsonDict = field(default_factory=dict)
    validation: JsonDict = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    extra: JsonDict = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of `manifest.json`."""
        known = {name: getattr(self, name) for name in _KEYS}
        return {**known, **self.extra}

    @classmethod
    def from_dict(cls, data: object) -> Manifest:
        """The manifest in a JSON value. Raises `RegistryError` when a key is missing or of the wrong kind."""
        if not isinstance(data, dict):
            raise RegistryError("the manifest is not a JSON object")
        for name, kinds in _KEYS.items():
            if name in data and not isinstance(data[name], kinds):
                raise RegistryError(f"the manifest's {name!r} is a {type(data[name]).__name__}")
        missing = {"run", "created_at", "files"} - set(data)
        if missing:
            raise RegistryError(f"the manifest lacks {', '.join(sorted(missing))}")
        known = {name: data[name] for name in _KEYS if name in data}
        return cls(**known, extra={key: value for key, value in data.items() if key not in _KEYS})

    @classmethod
    def read(cls, directory: Path) -> Manifest:
        """The manifest of the run in `directory`. Raises `RegistryError` with the reason."""
        path = directory / MANIFEST
        try:
            return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError as error:
            raise RegistryError(f"{directory} is no model version: it has no {MANIFEST}") from error
        except (OSError, ValueError) as error:
            raise RegistryError(f"can't read {path}, it is cut short or damaged: {error}") from error
        except RegistryError as error:
            raise RegistryError(f"{path}: {error}") from error


_TEXT, _TEXT_OR_NONE, _OBJECT = (str,), (str, type(None)), (dict,)
_KEYS: dict[str, tuple[type, ...]] = {
    "run": _TEXT,
    "created_at": _TEXT,
    "parent": _TEXT_OR_NONE,
    "corpus": _OBJECT,
    "hparams": _OBJECT,
    "metrics": _OBJECT,
    "packages": _OBJECT,
    "git_commit": _TEXT_OR_NONE,
    "seconds": _OBJECT,
    "training": _OBJECT,
    "gate": _OBJECT,
    "validation": _OBJECT,
    "files": _OBJECT,
}


@dataclass(frozen=True, slots=True)
class Run:
    """A finished model version: a directory that is never written to again."""

    name: str
    path: Path
    manifest: Manifest

    @property
    def model_dir(self) -> Path:
        """The directory that `--out_dir` and `OUT_DIR` name."""
        return self.path / "model"

    @property
    def rejected(self) -> bool:
        """Whether the gate turned it down, and nobody overruled that when it was made."""
        gate = self.manifest.gate
        return gate.get("passed") is False and not gate.get("forced")
