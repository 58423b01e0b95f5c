"""`bin/bench parity`: models that tensorflow/nmt trained, answered and scored by our engine, against what it said.

A directory of them holds `data/` with `infer.<src>` and `dev.<src>`, `dev.<tgt>`, and one directory for each model, as
the original left it, with the files that are compared: see `DECODINGS`, and `scores.json`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.machine import print_table
from core.errors import JaramError

_BEAM = {"infer_mode": "beam_search", "beam_width": 5}
_ALL = {**_BEAM, "num_translations_per_input": 5}

# The file with the original's answers, and the flags that it was given.
DECODINGS: Mapping[str, Mapping[str, Any]] = {
    "greedy": {},
    "beam5": _ALL,
    "beam5_lp1": {**_ALL, "length_penalty_weight": 1.0},
    "beam5_cp": {**_BEAM, "length_penalty_weight": 0.6, "coverage_penalty_weight": 0.4},
}


def compare(models: Path) -> bool:
    """Print a table of equal lines of all lines; whether all are equal. Raises `JaramError` when there is no model."""
    directories = sorted(path.parent for path in models.glob("*/hparams"))
    if not directories:
        raise JaramError(f"no model in {models}: it must hold directories with tensorflow/nmt's hparams")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    rows = [[directory.name, *_row(directory, models / "data")] for directory in directories]
    print_table(["model", *DECODINGS, "scores"], rows)
    return all(_is_whole(cell) for row in rows for cell in row[1:])


def _is_whole(cell: str) -> bool:
    same, _, all_ = cell.partition("/")
    return same == all_ or cell == "–"


def _row(directory: Path, data: Path) -> Iterator[str]:
    for name, flags in DECODINGS.items():
        path = directory / f"{name}.txt"
        yield _answers(directory, data, path, flags) if path.exists() else "–"
    yield _scores(directory, data)


def _answers(directory: Path, data: Path, expected: Path, flags: Mapping[str, Any]) -> str:
    """How many lines of the file that the engine writes with these flags are the original's."""
    from core.nmt.configuration import configure
    from core.nmt.flags import parse
    from core.nmt.inference import FileTask, answer_file

    hparams = configure(parse(_argv(directory, data, flags))).hparams
    with TemporaryDirectory() as scratch:
        out = Path(scratch) / "answers"
        answer_file(directory, FileTask(data / f"infer.{hparams.src}", out), hparams)
        ours = out.read_text(encoding="utf-8").split("\n")[:-1]
    theirs = expected.read_text(encoding="utf-8").split("\n")[:-1]
    same = sum(a == b for a, b in zip(ours, theirs, strict=False)) if len(ours) == len(theirs) else 0
    return f"{same}/{len(theirs)}"


def _argv(directory: Path, data: Path, flags: Mapping[str, Any]) -> list[str]:
    """A command that answers, for the hyperparameters that it means: only those that it names count for decoding."""
    given = {"out_dir": directory, "inference_input_file": data, "inference_output_file": data, **flags}
    return [f"--{name}={value}" for name, value in given.items()]


def _scores(directory: Path, data: Path) -> str:
    """How many of the printed scores on dev are the original's; perplexity is printed with 2 digits, others with 1."""
    from core.nmt.checkpoints import load_model
    from core.nmt.dataset import read_corpus
    from core.nmt.evaluation import Evaluator

    theirs = json.loads((directory / "scores.json").read_text(encoding="utf-8"))["dev"]
    model, src_vocab, tgt_vocab = load_model(directory)
    corpus = read_corpus(data / "dev", model.hparams, src_vocab, tgt_vocab, training=False)
    ours = Evaluator(model, tgt_vocab).scores(corpus)
    same = sum(f"{ours[name]:.{_digits(name)}f}" == f"{theirs[name]:.{_digits(name)}f}" for name in theirs)
    return f"{same}/{len(theirs)}"


def _digits(name: str) -> int:
    return 2 if name == "ppl" else 1
