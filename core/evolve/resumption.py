"""What a killed run left, and whether the next one can go on in it.

A draft's note says what it is made of: the pairs as the engine reads them, the engine's flags, and the parent. With the
same of each the engine goes on from its last checkpoint, and ends with the model that it would have made.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from core.corpus import Corpus, Example
from core.registry import Draft, Registry

logger = logging.getLogger(__name__)

# What the note's keys are about, for people.
_SUBJECTS = {"pairs": "the reviewed pairs", "flags": "the settings", "parent": "the live model"}

_CHECKPOINT = "ckpt/checkpoint"  # in a model directory, written when there is a checkpoint to go on from


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a run begins: in a `draft`, `resumed` or new; `said` is what became of the leftovers of killed runs."""

    draft: Draft
    resumed: bool
    said: str


def make_note(
    corpus: Corpus, material: Mapping[str, Iterable[Example]], flags: Mapping[str, Any], parent: str | None
) -> dict[str, Any]:
    """The note for a run that trains on `material`, prefixes of files with their pairs, as `flags` say.

    How many threads it has makes no difference to what it comes to.
    """
    digest = hashlib.sha256()
    for tokens in (corpus.src_vocab, corpus.tgt_vocab):
        digest.update("\n".join([*tokens, ""]).encode())
    for prefix, examples in {**material, "train": corpus.train, "dev": corpus.dev, "test": corpus.test}.items():
        for source, target, _ in examples:
            digest.update(f"{prefix}\t{' '.join(source)}\t{' '.join(target)}\n".encode())
    counted = {name: value for name, value in flags.items() if not name.endswith("_threads")}
    return {"pairs": digest.hexdigest(), "flags": counted, "parent": parent}


def begin(registry: Registry, note: Mapping[str, Any]) -> Beginning:
    """Go on in what a killed run with the same `note` left, else begin anew. Needs the lock.

    What was left and can't be gone on with is removed: whoever trains again would never look at it.
    """
    beginning = None
    said = ""
    for left in reversed(registry.drafts()):
        reason = _why_anew(left, note) if beginning is None else "a newer one goes on"
        if not reason:
            said = f"going on with {left.name}, which was killed"
            beginning = Beginning(left, True, said)
            continue
        said = said or f"beginning anew instead of going on with {left.name}, which was killed: {reason}"
        registry.discard(left)
    if said:
        logger.info("%s", said)
    return beginning or Beginning(registry.new_run(note), False, said)


def _why_anew(left: Draft, note: Mapping[str, Any]) -> str:
    """Why a draft can't be gone on with; empty where it can."""
    changed = [name for key, name in _SUBJECTS.items() if left.note.get(key) != note.get(key)]
    if changed:
        return f"{', '.join(changed)} changed"
    if not (left.model_dir / _CHECKPOINT).is_file():
        return "it had saved nothing yet"
    return ""
