"""Korean text: one clean form, its morphemes, and tokens that join back without loss.

Everything that a person writes goes the same way: `normalise` gives it one spelling, an `Analyser` finds its
morphemes, and a `Tokenizer` turns those into tokens from which the text can be had back. This package knows no
chat, no corpus and no model. Importing it loads no analyser: `get_analyser` does, when it is first asked.
"""

from core.text.analyser import ANALYSERS, Analyser, get_analyser
from core.text.errors import TextError
from core.text.normalise import normalise
from core.text.question import normalise_question, normalised_key, question_key
from core.text.tokenizer import Tokenizer

__all__ = [
    "ANALYSERS",
    "Analyser",
    "TextError",
    "Tokenizer",
    "get_analyser",
    "normalise",
    "normalise_question",
    "normalised_key",
    "question_key",
]
