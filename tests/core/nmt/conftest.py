"""What the engine's tests share: a tiny corpus on disk, random weights, and a measure of error."""

import gc
import os
from itertools import repeat

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Tensors of a few numbers gain nothing by being shared out among threads.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

import numpy as np
import pytest

from core.nmt.vocab import SPECIALS, write_vocab

LETTERS = tuple("abcdefgh")


@pytest.fixture(autouse=True)
def no_functions_of_others(request):
    """TensorFlow keeps a compiled function until it is collected; the more there are, the slower it compiles the next.

    Tests that train compile the largest.
    """
    if request.node.get_closest_marker("slow"):
        gc.collect()


@pytest.fixture
def eagerly():
    """Sentences few and short are searched for in less time than it takes to compile the search."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def init(rng):
    """Weights large enough that a wrong formula shows."""
    return lambda shape: rng.normal(0, 0.5, shape).astype(np.float32)


@pytest.fixture(scope="session")
def relative_error():
    """The largest difference, as a share of the largest expected value."""

    def measure(actual, expected):
        actual, expected = np.asarray(actual, np.float64), np.asarray(expected, np.float64)
        assert actual.shape == expected.shape
        return np.abs(actual - expected).max() / np.abs(expected).max()

    return measure


def write_pairs(directory, name, pairs):
    """`name.req` and `name.rep`, a pair a line."""
    for suffix, side in (("req", 0), ("rep", 1)):
        text = "".join(" ".join(pair[side]) + "\n" for pair in pairs)
        (directory / f"{name}.{suffix}").write_text(text, encoding="utf-8")


def random_pairs(count, seed, symbols=LETTERS, shortest=1, longest=5, target=lambda source: source[::-1]):
    """Distinct random sources, each with the target that a function makes of it."""
    rng = np.random.default_rng(seed)
    sources = {}
    while len(sources) < count:
        length = rng.integers(shortest, longest + 1)
        sources[tuple(str(symbol) for symbol in rng.choice(symbols, length))] = None
    return [(source, target(source)) for source in sources]


@pytest.fixture(scope="session")
def pairs_writer():
    """The function `write_pairs`."""
    return write_pairs


@pytest.fixture(scope="session")
def pairs_maker():
    """The function `random_pairs`."""
    return random_pairs


@pytest.fixture(scope="session")
def corpus_dir(tmp_path_factory):
    """vocab, train (30 pairs), dev (6) and test (6), the target being the source reversed."""
    directory = tmp_path_factory.mktemp("corpus")
    pairs = random_pairs(42, seed=1)
    for name, part in (("train", pairs[:30]), ("dev", pairs[30:36]), ("test", pairs[36:])):
        write_pairs(directory, name, part)
    for suffix in ("req", "rep"):
        write_vocab(directory / f"vocab.{suffix}", [*SPECIALS, *LETTERS])
    return directory


@pytest.fixture(scope="session")
def prefixes(corpus_dir):
    """The corpus as training is told of it: its vocabularies, its training pairs, and what else is named."""
    from core.nmt.training import DataPrefixes

    def choose(*names):
        return DataPrefixes(corpus_dir / "vocab", corpus_dir / "train", **{name: corpus_dir / name for name in names})

    return choose


@pytest.fixture
def counting(monkeypatch):
    """Instead of learning, each step adds 1 to every weight, whatever the batch; the rest of a run is as ever."""
    import tensorflow as tf

    from core.nmt.dataset import TrainingData, batch_arrays
    from core.nmt.training import Trainer

    rows = [np.array([3], np.int32)]

    def step(self, batch, rate, step):
        for variable in self._variables:
            variable.assign_add(tf.ones_like(variable))
        return tf.constant(1.0), tf.constant(1.0)

    monkeypatch.setattr(Trainer, "_replica_step", step)
    monkeypatch.setattr(TrainingData, "batches_from", lambda self, step: repeat(batch_arrays(rows, rows)))
