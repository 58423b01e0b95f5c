"""How likely a `NumpyModel` finds answers that are given to it: teacher forcing, all of them at once.

It is what `model.Seq2Seq.token_losses` sums to, answer by answer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.nmt.dataset import pad
from core.nmt.numpy_layers import Floats, Ids
from core.nmt.numpy_model import Memory, NumpyModel, State
from core.nmt.search import Ends

# Rows of the vocabulary's logits that are worked out at once.
_ROWS = 64


def score_answers(
    model: NumpyModel, sources: Sequence[Ids], answers: Sequence[Sequence[Sequence[int]]], ends: Ends
) -> list[list[float]]:
    """Of each source's `answers`, ids without the end token, the log-probability: a sum, the end token counted.

    No source is empty; one may have no answers.
    """
    order = sorted((i for i in range(len(sources)) if answers[i]), key=lambda i: -len(sources[i]))
    scores: list[list[float]] = [[] for _ in sources]
    if not order:
        return scores
    ids, lengths = pad([sources[i] for i in order])
    with np.errstate(over="ignore"):  # as in numpy_search
        state, memory = model.encode(ids, lengths.astype(np.int64))
        owners = np.repeat(np.arange(len(order)), [len(answers[i]) for i in order])
        found = iter(_follow(model, (state, memory), owners, [a for i in order for a in answers[i]], ends).tolist())
    for i in order:
        scores[i] = [next(found) for _ in answers[i]]
    return scores


def _follow(
    model: NumpyModel,
    start: tuple[State, Memory],
    owners: NDArray[np.intp],
    answers: Sequence[Sequence[int]],
    ends: Ends,
) -> Floats:
    """`owners` (N,), rising, which source each of N `answers` belongs to → their log-probabilities (N,)."""
    state, memory = start
    said, lengths = pad([np.array([*answer, ends.eos_id], np.int32) for answer in answers])
    rows = np.arange(len(answers))
    state, last = state[owners], np.full(len(answers), ends.sos_id)
    vectors, of_rows, tokens = [], [], []
    for t in range(said.shape[1]):
        live = lengths[rows] > t
        if not live.all():
            rows, state, last = rows[live], state[live], last[live]
        vectors.append(model.step(last, state, memory, owners[rows]))
        last = said[rows, t]
        of_rows.append(rows)
        tokens.append(last)
    gained = _log_probs(model, np.concatenate(vectors), np.concatenate(tokens))
    return np.bincount(np.concatenate(of_rows), gained, len(answers)).astype(np.float32)


def _log_probs(model: NumpyModel, vectors: Floats, tokens: NDArray[np.intp]) -> Floats:
    """`vectors` (N, U) of steps, and the `tokens` (N,) said there → their log-probabilities (N,)."""
    room = model.room(min(len(vectors), _ROWS))
    gained = np.empty(len(vectors), np.float32)
    for at in range(0, len(vectors), _ROWS):
        scores = room.scores(vectors[at : at + _ROWS])
        said = scores.logits[np.arange(len(scores.logits)), tokens[at : at + _ROWS]]
        gained[at : at + _ROWS] = said - scores.log_sums
    return gained
