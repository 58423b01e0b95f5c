"""Reviewed pairs to the token files that the engine learns from.

    pairs → normalised, checked, one decision a question (`selection`) → train, dev, test (`partition`)
          → vocabularies, rare morphemes spelt (`vocabulary`) → a `Corpus` that writes itself, and its `report`

This package knows no database and no model; pairs come in, files and a report go out. The same pairs in the same
order give the same files, byte for byte.
"""

from core.corpus.corpus import Corpus, Vocabularies, build
from core.corpus.errors import CorpusError
from core.corpus.pair import Example, Pair
from core.corpus.report import Conflict, CorpusReport, Reason, UnheldCanary
from core.corpus.settings import CorpusSettings

__all__ = [
    "Conflict",
    "Corpus",
    "CorpusError",
    "CorpusReport",
    "CorpusSettings",
    "Example",
    "Pair",
    "Reason",
    "UnheldCanary",
    "Vocabularies",
    "build",
]
