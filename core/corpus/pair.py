"""A question and its answer, before and after they are tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and the answer to learn.

    `bulk` tells a pair that came with a file from one that a person wrote, corrected or approved here. `row` is
    its database id, for reports. A `canary` is an answer that every model must give; it is never bulk. `visitor`
    tells apart who asked, empty where nobody did.
    """

    question: str
    answer: str
    bulk: bool = False
    category: str = ""
    row: int | None = None
    canary: bool = False
    visitor: str = ""


class Example(NamedTuple):
    """What the engine sees of a pair: both sides as tokens, rare ones spelt; `pair` has them normalised."""

    source: list[str]
    target: list[str]
    pair: Pair
