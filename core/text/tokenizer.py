"""Tokens: pieces of words that join back to exactly the text they came from.

A token is a morpheme as it stands in the text, with ▁ (U+2581) in front where it starts a word; ▁ is all that is
left of white space. It knows no vocabulary but the one it is handed to spell with.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Container, Iterable, Sequence
from itertools import pairwise

from core.nmt.vocab import SPECIALS
from core.text.analyser import Analyser, Stemmer
from core.text.normalise import WORD_MARK, normalise

_JOINER = "\u200d"


class Tokenizer:
    """Text to tokens and back: `join(split(text)) == normalise(text)`, whatever the analyser finds.

    Example: "저도 좋아요!" becomes ▁저 도 ▁좋 아요 ! and these "저도 좋아요!" again.
    """

    def __init__(self, analyser: Analyser) -> None:
        self._analyser = analyser
        # Looked at once: to ask a protocol costs more than many a question's stems.
        self._stems = analyser.stems if isinstance(analyser, Stemmer) else analyser.morphemes

    def split(self, text: str) -> list[str]:
        """The tokens of `text` once normalised; none is empty, holds white space or reads like `<unk>`."""
        text = normalise(text)
        if not text:
            return []
        cuts = _cuts(text, self._analyser.morphemes(text))
        tokens: list[str] = []
        mark = WORD_MARK
        for start, end in pairwise(sorted(cuts)):
            piece = text[start:end]
            if piece == " ":
                mark = WORD_MARK
                continue
            token = mark + piece
            mark = ""
            tokens += token if token in SPECIALS else [token]
        return tokens

    def stems(self, text: str) -> list[str]:
        """What a normalised `text` is about, see `Stemmer`; its morphemes, where the analyser knows no stems."""
        if not text:
            return []
        return self._stems(text)

    @staticmethod
    def join(tokens: Iterable[str]) -> str:
        """The text of `tokens`, spelt or not. Two marks in a row, as a model may write them, are one space."""
        return " ".join("".join(tokens).replace(WORD_MARK, " ").split())

    def spell(self, tokens: Iterable[str], known: Container[str]) -> list[str]:
        """`tokens` with each that is not `known` written out in what is; `join` gives the same text.

        Where the mark is all that is new of a token, it stands apart: ▁안녕 becomes ▁ 안녕. Else a token comes apart
        into its code points, in Korean syllables: ▁ 안 녕. Whatever can be typed can be spelt, and the alphabet stays
        small. Only an emoji or an accented letter that is itself unknown comes apart into parts that show nothing
        alone; they join again like all others.
        """
        spelt: list[str] = []
        for token in tokens:
            if token in known:
                spelt.append(token)
            elif token[0] == WORD_MARK and token[1:] in known:
                spelt += [WORD_MARK, token[1:]]
            else:
                spelt += token
        return spelt

    def spell_known(self, tokens: Iterable[str], known: Container[str]) -> list[str]:
        """As `spell`, but a token of which a code point is not `known` either stays whole: one unknown, not several.

        This is how a question is read that a model was not made for; models of tensorflow/nmt know no syllables.
        """
        read: list[str] = []
        for token in tokens:
            pieces = self.spell([token], known)
            read += pieces if all(piece in known for piece in pieces) else [token]
        return read


def _cuts(text: str, morphemes: Sequence[str]) -> set[int]:
    """Where to cut `text`: 0, its length, around each space, and between morphemes."""
    cuts = _morpheme_cuts(text, morphemes)
    cuts = {cut for cut in cuts if not _is_inside_character(text, cut)}
    for index, character in enumerate(text):
        if character == " ":
            cuts |= {index, index + 1}
    return cuts | {0, len(text)}


def _morpheme_cuts(text: str, morphemes: Sequence[str]) -> set[int]:
    """The start and end of each morpheme that is found in `text`, in order, and every place between them.

    White space and what the analyser changed or lost (MeCab takes Ð for a space) lie between morphemes.
    """
    cuts: set[int] = set()
    position = 0
    for morpheme in morphemes:
        start = text.find(morpheme, position)
        if start < 0:
            continue
        cuts.update(range(position, start + 1))
        position = start + len(morpheme)
    cuts.update(range(position, len(text)))
    return cuts


def _is_inside_character(text: str, cut: int) -> bool:
    """Whether a reader would see one character cut in two: a letter from its accent, an emoji from its parts."""
    if not 0 < cut < len(text) or text[cut - 1] == " ":
        return False
    return text[cut - 1] == _JOINER or _extends(text[cut])


def _extends(character: str) -> bool:
    return (
        unicodedata.category(character).startswith("M")  # accents, variation selectors
        or character == _JOINER
        or "\u1160" <= character <= "\u11ff"  # vowels and finals in conjoining jamo
        or "\U0001f3fb" <= character <= "\U0001f3ff"  # skin tones
    )
