"""`bin/bench quality`: train on all pairs with makedata's defaults, and score the model."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.machine import say
from benchmarks.makedata import run
from core.corpus import Pair
from core.errors import JaramError
from core.evolve import EvolveSettings, RunSummary
from core.registry import Registry


def quality(pairs: Sequence[Pair], samples: int, keep: Path | None) -> None:
    """Train as makedata does, and print the scores and some dialogues."""
    with tempfile.TemporaryDirectory() as scratch:
        registry = Registry(keep or Path(scratch))
        summary = run(pairs, registry, EvolveSettings())
        say("")
        for line in summary.report.summary():
            say(f"    {line}")
        say("\n| what | figure |\n|---|---|")
        for name, value in figures(summary):
            say(f"| {name} | {value} |")
        for split in ("train", "test"):
            say(f"\n{'Trained' if split == 'train' else 'Unseen'} questions, drawn at random:\n")
            print_dialogues(registry.get(str(summary.run)).path, split, samples // 2)


def figures(summary: RunSummary) -> Iterator[tuple[str, str]]:
    """The rows of the quality table."""
    scores = summary.scores
    if scores is None:
        raise JaramError("the run has no scores")
    yield "minutes, all phases", f"{sum(summary.seconds.values()) / 60:.1f}"
    yield "minutes, training", f"{summary.seconds['train'] / 60:.1f}"
    uptake = f"uptake: {scores.trained_questions} trained questions given exactly one of their answers"
    yield uptake, f"{scores.uptake:.2%}"
    if scores.heldout_bleu is not None and scores.heldout_chrf is not None:
        yield f"unseen: BLEU on {scores.heldout_pairs} held-out pairs", f"{scores.heldout_bleu:.2f}"
        yield "unseen: chrF on the same", f"{scores.heldout_chrf:.2f}"


def print_dialogues(directory: Path, split: str, count: int) -> None:
    """A table of questions drawn at random, the answer expected and the answer given, as text."""
    from core.text import Tokenizer, get_analyser

    tokenizer = Tokenizer(get_analyser())
    paths = [directory / f"{split}.{suffix}" for suffix in ("req", "rep", "hyp")]
    lines = list(zip(*(path.read_text(encoding="utf-8").split("\n") for path in paths), strict=True))[:-1]
    say("| question | expected | given | |\n|---|---|---|---|")
    for line in random.Random(1).sample(lines, min(count, len(lines))):
        question, expected, given = (tokenizer.join(side.split(" ")) for side in line)
        say(f"| {question} | {expected} | {given} | {'same' if expected == given else ''} |")
