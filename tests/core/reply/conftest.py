"""Fakes for the tests of answering: a translator that needs no engine, and an analyser that needs no MeCab."""

import threading
import time
from dataclasses import dataclass, field

import numpy as np
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

    `answers` are several hypotheses for chosen sources, `read_as` what sources are read as, by the words in them.
    """

    prefix: str = "▁네"
    delay: float = 0.0
    error: Exception | None = None
    warm_up_error: Exception | None = None
    src_vocab: frozenset = frozenset()
    batches: list = field(default_factory=list)
    warm: bool = False
    answers: dict = field(default_factory=dict)
    read_as: dict = field(default_factory=dict)

    def propose(self, sources, count):
        self.batches.append([tuple(source) for source in sources])
        time.sleep(self.delay)
        if self.error:
            raise self.error
        return [self.answers.get(tuple(s), [FakeHypothesis((self.prefix, *s))])[:count] for s in sources]

    def meanings(self, sources):
        return np.array([self._meaning(Tokenizer.join(source)) for source in sources], np.float32)

    def _meaning(self, text):
        return next((vector for word, vector in self.read_as.items() if word in text), (0.0, 0.0))

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


def eventually(condition, timeout=20.0):
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
