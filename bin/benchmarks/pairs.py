"""Pairs from a CSV file, and the same pairs as whole morphemes in files that every engine reads."""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.corpus import Pair
from core.nmt.vocab import count_tokens, select_tokens, write_vocab
from core.text import Tokenizer, get_analyser

# Pairs kept out of training, for replies.
HELD_OUT = 1024


def read_pairs(path: Path) -> list[Pair]:
    """The file's pairs as bulk data, shuffled with a fixed seed, so that a part of them is like the whole."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [
            (row.get("Q") or row.get("question"), row.get("A") or row.get("answer")) for row in csv.DictReader(file)
        ]
    pairs = [Pair(question, answer, bulk=True) for question, answer in rows if question and answer]
    random.Random(0).shuffle(pairs)
    return pairs


@dataclass(frozen=True, slots=True)
class Morphemes:
    """A corpus of whole morphemes: the lengths of its training pairs, the held-out questions, and its vocabulary."""

    lengths: list[tuple[int, int]]
    questions: list[list[str]]
    vocab_size: int


def write_morphemes(pairs: Sequence[Pair], directory: Path) -> Morphemes:
    """Write `train.req`, `train.rep`, `dev.req`, `dev.rep`, and one vocabulary of both sides as `vocab.req` and
    `vocab.rep`: each morpheme is a token, however rare, as the peers' own tools would have it.
    """
    tokenizer = Tokenizer(get_analyser())
    rows = [(tokenizer.split(pair.question), tokenizer.split(pair.answer)) for pair in pairs]
    rows = [row for row in rows if row[0] and row[1]]
    directory.mkdir(parents=True, exist_ok=True)
    for name, part in (("dev", rows[:HELD_OUT]), ("train", rows[HELD_OUT:])):
        for side, suffix in enumerate(("req", "rep")):
            lines = "".join(" ".join(row[side]) + "\n" for row in part)
            (directory / f"{name}.{suffix}").write_text(lines, encoding="utf-8")
    vocabulary = select_tokens(count_tokens(" ".join(side) for row in rows for side in row))
    for suffix in ("req", "rep"):
        write_vocab(directory / f"vocab.{suffix}", vocabulary)
    lengths = [(len(source), len(target)) for source, target in rows[HELD_OUT:]]
    return Morphemes(lengths, [source for source, _ in rows[:HELD_OUT]], len(vocabulary))
