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


def grow_tokens(sentences: Iterable[Sequence[str]], grown_from: Sequence[str]) -> set[str]:
    """The tokens that need not be spelt where a model goes on with what it knows: its own, and every new character.

    A morpheme that has become frequent stays spelt: sentences that hold it are known that way. The next vocabulary that
    is made from nothing takes it in.
    """
    return set(grown_from).union(*map(set, chain.from_iterable(sentences)))


def rank_tokens(spelt: Iterable[Sequence[str]], known: Iterable[str], first: Sequence[str] = ()) -> list[str]:
    """The vocabulary: the tokens of `first` as they are, then all other `known` ones by falling frequency in `spelt`.

    The specials come before all tokens; `first` has them already, where it is not empty.
    """
    counts = Counter(dict.fromkeys(known, 0))
    counts.update(chain.from_iterable(spelt))
    ranked = select_tokens(counts, min_frequency=0)
    taken = set(first)
    return [*first, *(token for token in ranked if token not in taken)]
