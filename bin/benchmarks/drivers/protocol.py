"""How a benchmark speaks with the process that it measures: a JSON object a line each way. Standard library alone.

A request names what to do in `do`; the rest are arguments. What a library prints goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple


class Setup(NamedTuple):
    """What is alike for every engine; the benchmark writes it as a JSON file."""

    # train.req, train.rep, dev.req, dev.rep, vocab.req, vocab.rep
    data: str
    # where the engine keeps its model and its own form of the data
    work: str
    layers: int
    units: int
    batch_size: int
    dropout: float
    learning_rate: float
    threads: int
    seed: int

    def file(self, name: str) -> Path:
        """A file of the data."""
        return Path(self.data) / name

    def place(self, name: str) -> Path:
        """A file of the engine's own; its directory exists."""
        Path(self.work).mkdir(parents=True, exist_ok=True)
        return Path(self.work) / name


def read_setup() -> tuple[Setup, str]:
    """The setup named on the command line, and the mode: train, fit or reply."""
    path, mode = sys.argv[1:]
    return Setup(**json.loads(Path(path).read_text(encoding="utf-8"))), mode


def serve(actions: Mapping[str, Callable[..., Mapping[str, Any]]], versions: Mapping[str, str]) -> None:
    """Answer requests from standard input until it ends; `versions` is the first line that goes out."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def tell(answer: Mapping[str, Any]) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    tell(versions)
    for line in sys.stdin:
        request = json.loads(line)
        tell(actions[request.pop("do")](**request))
