"""Answers from a trained model: `Translator` in Python, `translate_file` for the command line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.nmt.checkpoints import load_model
from core.nmt.dataset import read_tokens
from core.nmt.evaluation import Decoder
from core.nmt.hparams import HParams


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """An answer's tokens, and `score`, the geometric mean of its tokens' probabilities: 0 … 1, 1 is certain."""

    tokens: tuple[str, ...]
    score: float


class Translator:
    """Tokens → tokens. It keeps nothing between calls, so any number of threads may share it.

        translator = Translator(Path("data/current/model"))
        [answer] = translator.translate([["▁안녕", "하", "세요"]])

    Raises `NmtError` when `model_dir` holds no usable model.
    """

    def __init__(self, model_dir: Path, *, beam_width: int | None = None, hparams: HParams | None = None) -> None:
        """`beam_width` 0 searches greedily; `None`, and no `hparams`, as the model's own hyperparameters say."""
        model, self.src_vocab, self.tgt_vocab = load_model(model_dir)
        decoding = hparams or model.hparams
        if beam_width is not None:
            decoding = decoding.updated({"beam_width": beam_width, "infer_mode": "greedy"})
        self._decoder = Decoder(model, decoding)

    def warm_up(self) -> None:
        """Compile, so that the first answer does not wait for it."""
        self._decoder.decode([np.zeros(3, np.int32)])

    def translate(self, sources: Sequence[Sequence[str]]) -> list[Hypothesis]:
        """The best hypothesis for each source; a source without tokens has an empty one with score 0."""
        return [ranked[0] if ranked else Hypothesis((), 0.0) for ranked in self.translate_n_best(sources)]

    def translate_n_best(self, sources: Sequence[Sequence[str]]) -> list[list[Hypothesis]]:
        """All hypotheses of the beam for each source, best first; one in greedy search, none without tokens."""
        filled = [i for i, source in enumerate(sources) if source]
        results: list[list[Hypothesis]] = [[] for _ in sources]
        decoded = self._decoder.decode([self.src_vocab.ids(sources[i]) for i in filled])
        for i, ranked in zip(filled, decoded, strict=True):
            results[i] = [
                Hypothesis(tuple(self.tgt_vocab.tokens(r.ids)), math.exp(r.log_prob / max(1, r.scored_tokens)))
                for r in ranked
            ]
        return results


def translate_file(model_dir: Path, input_file: Path, output_file: Path, hparams: HParams) -> int:
    """Write one hypothesis a line for each line of `input_file`; the number of lines. Raises `NmtError`.

    `hparams` decide how is decoded.
    """
    sources = list(read_tokens(input_file))
    translator = Translator(model_dir, hparams=hparams)
    with output_file.open("w", encoding="utf-8") as out:
        for answer in translator.translate(sources):
            out.write(" ".join(answer.tokens) + "\n")
    return len(sources)
