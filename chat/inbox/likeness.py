"""Questions that are nearly the same, found among any number. Knows no database and no Django."""

import re
from collections.abc import Iterable
from itertools import count

from core.memory import Lesson, Memory
from core.text import Tokenizer, normalise_question, question_key

ALIKE = 0.7  # least similarity of a question that is decided on together with another

_NEAR = 30  # questions looked at around one
# Numbers mean what they say, and these words turn a question into another, however alike the rest is.
_TELLING = re.compile(r"\d+|안(?=\s)|못|없|않|아니|말(?=[고아았지])|왜|누구|언제|어디|얼마|몇")


class Likeness:
    """Questions by similarity, each once, however often and however spelt it is asked.

    What finds reviewed answers finds these too: each question is a lesson whose "answer" is its key.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._memory = Memory(tokenizer)
        self._known: dict[str, int] = {}  # key → number of its lesson
        self._numbers = count(1)

    def __len__(self) -> int:
        return len(self._known)

    def add(self, questions: Iterable[str]) -> None:
        """Take in questions; those that are known already cost nothing."""
        fresh = {key: question for question in questions if (key := question_key(question)) not in self._known}
        numbers = dict(zip(fresh, self._numbers, strict=False))
        self._memory.put(Lesson(numbers[key], question, key) for key, question in fresh.items())
        self._known |= numbers

    def drop(self, questions: Iterable[str]) -> None:
        """Forget questions, in any spelling; unknown ones are no error."""
        known = (self._known.pop(question_key(question), None) for question in questions)
        self._memory.drop([number for number in known if number is not None])

    def near(self, question: str) -> list[str]:
        """Return one spelling of each other question that is nearly the same, best first."""
        return [other for other, similarity in self.nearest(question) if similarity >= ALIKE]

    def nearest(self, question: str) -> list[tuple[str, float]]:
        """Return the nearest other questions that may have the same answer, with their similarity, best first."""
        own = question_key(question)
        return [
            (match.question, match.similarity)
            for match in self._memory.find(question, limit=_NEAR)
            if match.answer != own and are_alike(question, match.question)
        ]


def are_alike(question: str, other: str) -> bool:
    """Whether two similar questions may have one answer: no number, "not" or question word stands in one alone."""
    return _telling(question) == _telling(other)


def _telling(question: str) -> set[str]:
    return set(_TELLING.findall(normalise_question(question)))
