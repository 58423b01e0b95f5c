"""What the engine reads while it trains: the corpus, with what has to be learned for sure more than once.

It is apart from `train.req` and `train.rep`, which stay in the run as what was reviewed and nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from core.corpus import Corpus, Example

PREFIX = "mix"


def mix(corpus: Corpus, emphasised: Collection[Example], emphasis: int) -> list[Example]:
    """The training pairs, those of `emphasised` `emphasis` times.

    In an order that depends on the arguments alone: a run that goes on sees what the killed one saw.
    """
    return [*corpus.train, *(example for example in emphasised for _ in range(emphasis - 1))]


def write_examples(directory: Path, prefix: str, examples: Sequence[Example]) -> None:
    """Write `prefix.req` and `prefix.rep`: a sentence a line, tokens between single spaces."""
    for suffix, sides in (("req", (e.source for e in examples)), ("rep", (e.target for e in examples))):
        with (directory / f"{prefix}.{suffix}").open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{' '.join(tokens)}\n" for tokens in sides)


def remove_examples(directory: Path, prefix: str) -> None:
    """Remove what `write_examples` wrote."""
    for suffix in ("req", "rep"):
        (directory / f"{prefix}.{suffix}").unlink(missing_ok=True)
