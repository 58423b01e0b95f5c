"""The vocabulary of one side: frequent morphemes, and every syllable that the training set holds.

With all syllables in it, a training sentence can always be spelt, so no target holds `<unk>`; and the syllables of
rare morphemes are learned, so that a new word at serving time is not strange from end to end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

from core.corpus.errors import CorpusError
from core.corpus.settings import CorpusSettings
from core.nmt.vocab import SPECIALS, select_tokens


def choose_tokens(sentences: Iterable[Sequence[str]], settings: CorpusSettings) -> set[str]:
    """The tokens that need not be spelt: every single character of `sentences`, and frequent morphemes.

    Raises `CorpusError` when the characters alone are more than `max_vocab_size`.
    """
    counts = Counter(chain.from_iterable(sentences))
    alphabet = set(chain.from_iterable(counts))
    room = None
    if settings.max_vocab_size is not None:
        room = settings.max_vocab_size - len(alphabet)
        if room < len(SPECIALS):
            raise CorpusError(
                f"max_vocab_size is {settings.max_vocab_size}, but the syllables and signs of the corpus alone "
                f"need {len(alphabet) + len(SPECIALS)}: raise it"
            )
    morphemes = Counter({token: n for token, n in counts.items() if len(token) > 1})
    frequent = select_tokens(morphemes, min_frequency=settings.min_frequency, max_vocab_size=room)
    return alphabet.union(frequent[len(SPECIALS) :])


def rank_tokens(spelt: Iterable[Sequence[str]], known: Iterable[str]) -> list[str]:
    """The vocabulary, specials first: all `known` tokens by falling frequency in the `spelt` sentences."""
    counts = Counter(dict.fromkeys(known, 0))
    counts.update(chain.from_iterable(spelt))
    return select_tokens(counts, min_frequency=0)
