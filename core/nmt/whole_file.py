"""A text file that is found whole or not at all, whatever ends its writer half-way."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """A file that gets its name when it has been written to its end, and leaves nothing behind otherwise.

    Its directory is made. A file of that name stays as it was until then. A pipe or a device, such as /dev/stdout, is
    written to as it is: a file must not take its place.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        return
    partial = path.with_name(f"{path.name}.{os.getpid()}.tmp")  # two processes may write the same file
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
