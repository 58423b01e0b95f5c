"""Subwords back to words, in answers and in the references that they are scored against.

Byte pair encoding (Sennrich et al. 2016) ends a token that goes on with `@@`; SentencePiece (Kudo & Richardson 2018)
begins a word with `▁`. The two sides are joined by two rules, as tensorflow/nmt does, which differ on odd tokens:
scores stay those that it prints.
"""

from __future__ import annotations

from collections.abc import Sequence

_CONTINUED = "@@"
_SPACE = "\N{LOWER ONE EIGHTH BLOCK}"  # ▁


def answer_text(tokens: Sequence[str], subword_option: str) -> str:
    """The line that is written for an answer's `tokens`; `subword_option` is "", "bpe" or "spm"."""
    if subword_option == "bpe":
        return _join_bpe(tokens)
    if subword_option == "spm":
        return "".join(" ".join(tokens).split()).replace(_SPACE, " ").strip()
    return " ".join(tokens)


def _join_bpe(tokens: Sequence[str]) -> str:
    words, word = [], ""
    for token in tokens:
        word += token.removesuffix(_CONTINUED)
        if not token.endswith(_CONTINUED):
            words.append(word)
            word = ""
    # A word that the answer breaks off in is not there, as in the original.
    return " ".join(words)


def reference_text(line: str, subword_option: str) -> str:
    """A reference file's `line` as answers are compared with it."""
    line = line.strip()
    if subword_option == "bpe":
        return line.replace(f"{_CONTINUED} ", "")
    if subword_option == "spm":
        return "".join(line.split()).replace(_SPACE, " ").lstrip()
    return line
