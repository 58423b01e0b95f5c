"""Which model versions are removed when the disk fills, and which never are."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from core.registry.errors import RegistryError
from core.registry.store import INITIAL, Registry

_PRUNED = ".pruned-"


@dataclass(frozen=True, slots=True)
class Retention:
    """What is kept beside the live and the bundled version. Raises `RegistryError` for a number below 0.

    Attributes:
        newest: so many of the newest versions, damaged ones counted too.
        ancestors: so many versions that were live before, to which the live one can be rolled back.
    """

    newest: int = 5
    ancestors: int = 3

    def __post_init__(self) -> None:
        for name in ("newest", "ancestors"):
            if getattr(self, name) < 0:
                raise RegistryError(f"{name} is {getattr(self, name)}: choose 0 or more")


@dataclass(frozen=True, slots=True)
class Prunable:
    """A version that nothing keeps, and the bytes that it takes."""

    name: str
    path: Path
    bytes: int


def prunable(registry: Registry, retention: Retention) -> list[Prunable]:
    """The versions that `retention` does not keep, oldest first.

    Raises `RegistryError` when it can't be told which version is live: then nothing may be removed.
    """
    names = [name for name in registry.names() if name != INITIAL]
    kept = set(names[len(names) - min(retention.newest, len(names)) :])
    kept.update(_lineage(registry, retention.ancestors))
    return [_prunable(registry, name) for name in names if name not in kept]


def prune(registry: Registry, retention: Retention) -> list[Prunable]:
    """Remove what `prunable` finds and return it.

    It takes the lock of a training, for a training reads its parent. A version gets a hidden name before its files go,
    so that a killed prune leaves no half version; the next one removes the rest.
    """
    with registry.lock():
        _sweep(registry)
        removed = []
        for version in prunable(registry, retention):
            if _hide(registry, version):
                removed.append(version)
        _sweep(registry)
    return removed


def _lineage(registry: Registry, ancestors: int) -> Iterator[str]:
    """The live version and as many that were live before it as are wanted and still there."""
    live = registry.current()
    if live is None:
        return
    yield live.name
    yield from (run.name for run in islice(registry.earlier(), ancestors))


def _prunable(registry: Registry, name: str) -> Prunable:
    path = registry.models_dir / name
    return Prunable(name, path, sum(file.lstat().st_size for file in path.rglob("*") if not file.is_dir()))


def _hide(registry: Registry, version: Prunable) -> bool:
    """Take a version's name away; False when it was made live in this moment and therefore stays."""
    hidden = registry.models_dir / f"{_PRUNED}{version.name}"
    try:
        version.path.rename(hidden)
        if registry.live_name() == version.name:  # publishing takes no lock
            hidden.rename(version.path)
            return False
    except OSError as error:
        raise RegistryError(f"can't remove {version.path}: {error.strerror}") from error
    return True


def _sweep(registry: Registry) -> None:
    for path in registry.models_dir.glob(f"{_PRUNED}*"):
        try:
            shutil.rmtree(path)
        except OSError as error:
            raise RegistryError(f"can't remove {path}: {error.strerror}; remove it by hand") from error
