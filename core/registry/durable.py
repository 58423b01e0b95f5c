"""Files that survive a crash: sums, syncing to disk, and links replaced in one step."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from core.registry.errors import RegistryError


def sha256_of(path: Path) -> str:
    """The hexadecimal SHA-256 sum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_in(root: Path) -> Iterator[Path]:
    """Every file below `root`, in order of path.

    Raises `RegistryError` at a symbolic link: a run that points outside itself can't be moved or summed.
    """
    for path in sorted(root.rglob("*")):
        if path.is_symlink():
            raise RegistryError(f"{path} is a symbolic link: a model version holds plain files alone")
        if path.is_file():
            yield path


def sync(path: Path) -> None:
    """Wait until a file's content, or a directory's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_directories(root: Path) -> None:
    """Sync `root` and every directory below it, the deepest first."""
    directories = [root, *(path for path in root.rglob("*") if path.is_dir())]
    for directory in sorted(directories, key=lambda path: len(path.parts), reverse=True):
        sync(directory)


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write `data` as JSON that people can read, and sync it."""
    path.write_text(json.dumps(data, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    sync(path)


def replace_link(link: Path, target: str) -> None:
    """Make `link` a symbolic link to `target` (relative to the link's directory) in one step.

    A reader sees the old target or the new one, never none. Raises `OSError`, the link then being as it was.
    """
    temporary = link.with_name(f".{link.name}-{secrets.token_hex(4)}")
    try:
        temporary.symlink_to(target)
        os.replace(temporary, link)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync(link.parent)
