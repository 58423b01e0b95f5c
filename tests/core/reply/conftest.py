"""Fakes for the tests of answering: a translator that needs no engine, and an analyser that needs no MeCab."""

import threading
import time
from dataclasses import dataclass, field

import pytest

from core.reply.model import LiveModel
from core.text import Tokenizer


@dataclass(frozen=True)
class FakeHypothesis:
    tokens: tuple[str, ...]
    score: float = 0.9


@dataclass
class FakeTranslator:
    """Answers with the question's own tokens behind `prefix`, after `delay` seconds, or raises `error`.

    `answers` are several hypotheses for chosen sources, `scores` how sure it is of answers, 0.01 of others.
    """

    prefix: str = "▁네"
    delay: float = 0.0
    error: Exception | None = None
    warm_up_error: Exception | None = None
    src_vocab: frozenset = frozenset()
    tgt_vocab: frozenset = frozenset()
    batches: list = field(default_factory=list)
    warm: bool = False
    answers: dict = field(default_factory=dict)
    scores: dict = field(default_factory=dict)

    def propose(self, sources, count):
        self.batches.append([tuple(source) for source in sources])
        time.sleep(self.delay)
        if self.error:
            raise self.error
        return [self.answers.get(tuple(s), [FakeHypothesis((self.prefix, *s))])[:count] for s in sources]

    def score(self, sources, answers):
        return [[self.scores.get(Tokenizer.join(answer), 0.01) for answer in some] for some in answers]

    def warm_up(self):
        if self.warm_up_error:
            raise self.warm_up_error
        self.warm = True


class WordAnalyser:
    name = "words"

    def morphemes(self, text):
        return text.split()


@pytest.fixture
def tokenizer():
    return Tokenizer(WordAnalyser())


@pytest.fixture
def live(tokenizer):
    """Make a live model of a fake translator."""

    def make(name="run-1", calibration=None, **fields):
        return LiveModel(name, FakeTranslator(**fields), tokenizer, calibration=calibration)

    return make


def eventually(condition, timeout=5.0):
    """Wait until a condition holds that another thread brings about."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.005)


@pytest.fixture
def wait_until():
    return eventually


@pytest.fixture
def fake_translator():
    return FakeTranslator


@pytest.fixture
def hypothesis():
    return FakeHypothesis


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = set(threading.enumerate())
    yield
    eventually(lambda: not [t for t in set(threading.enumerate()) - before if t.name.startswith(("reply", "model"))])
