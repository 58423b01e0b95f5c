"""Questions by their key, by their number, and by what they share with others."""

from __future__ import annotations

from collections.abc import Iterable

from core.memory.features import Spelling
from core.memory.index import Index
from core.memory.reviewed import Reviewed


class Questions:
    """Reviewed questions, each once. One thread at a time may change it; `numbers_near` alone needs no lock."""

    def __init__(self) -> None:
        self._by_key: dict[str, Reviewed] = {}
        self._by_number: dict[int, Reviewed] = {}
        self._last = 0  # number given
        self._index = Index()

    def __len__(self) -> int:
        return len(self._by_key)

    def get(self, key: str) -> Reviewed | None:
        """The question with this `key`, None where there is none."""
        return self._by_key.get(key)

    def add(self, spelling: Spelling) -> Reviewed:
        """Begin with a question that is not there yet; it is found once `commit` is called."""
        self._last += 1
        added = self._by_key[spelling.key] = self._by_number[self._last] = Reviewed(self._last, spelling)
        self._index.add(added.number, spelling)
        return added

    def remove(self, key: str) -> None:
        """Forget the question with this `key`; an unknown one is no error."""
        known = self._by_key.pop(key, None)
        if known is not None:
            del self._by_number[known.number]
            self._index.remove(known.number)

    def commit(self) -> None:
        """Let searches that begin from now on see what was changed."""
        self._index.commit()

    def numbers_near(self, spelling: Spelling, limit: int) -> list[int]:
        """The numbers of up to `limit` questions that share most with this one, best first; itself is one of them."""
        return self._index.nearest(spelling, limit) if self._by_key else []

    def known(self, numbers: Iterable[int]) -> list[Reviewed]:
        """The questions of `numbers`, without those that are gone."""
        return [self._by_number[number] for number in numbers if number in self._by_number]
