"""What a person may decide about a corpus."""

from __future__ import annotations

from dataclasses import dataclass

from core.corpus.errors import CorpusError
from core.nmt.vocab import SPECIALS


@dataclass(frozen=True)
class CorpusSettings:
    """How pairs become a corpus. Raises `CorpusError` for values that make no sense.

    Attributes:
        dev_share: the part of the bulk questions that measures progress while training, 0 to 1.
        test_share: the part of the bulk questions that the model is measured on when it is done, 0 to 1.
        min_bulk: with fewer distinct bulk questions than this, none is held out.
        max_dev: at most so many questions in dev.
        max_test: at most so many questions in test.
        min_frequency: a morpheme seen less often in the training set is spelt in syllables.
        max_vocab_size: at most so many entries in each vocabulary, specials and syllables included.
        one_vocabulary: questions and answers have one vocabulary, and the engine one embedding, instead of two.
        src_max_len: longer questions are left out; tokens after spelling.
        tgt_max_len: longer answers are left out; tokens after spelling.
    """

    dev_share: float = 0.02
    test_share: float = 0.03
    min_bulk: int = 1000
    max_dev: int = 500
    max_test: int = 1000
    min_frequency: int = 2
    max_vocab_size: int | None = None
    one_vocabulary: bool = False
    src_max_len: int = 50
    tgt_max_len: int = 50

    def __post_init__(self) -> None:
        if self.dev_share < 0 or self.test_share < 0 or self.dev_share + self.test_share >= 1:
            raise CorpusError(
                f"dev_share {self.dev_share} and test_share {self.test_share} must be 0 or more and leave "
                "something to train on: choose them so that their sum is below 1"
            )
        for name in ("min_bulk", "max_dev", "max_test"):
            self._require_at_least(name, 0)
        for name in ("min_frequency", "src_max_len", "tgt_max_len"):
            self._require_at_least(name, 1)
        if self.max_vocab_size is not None:
            self._require_at_least("max_vocab_size", len(SPECIALS) + 1)

    def _require_at_least(self, name: str, least: int) -> None:
        value = getattr(self, name)
        if value < least:
            raise CorpusError(f"{name} is {value}: choose {least} or more")
