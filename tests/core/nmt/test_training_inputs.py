"""Other ways to read sources and to score targets than a table of all words: they learn too."""

from itertools import pairwise

import numpy as np
import pytest

from core.nmt.hparams import HParams
from core.nmt.inference import Translator
from core.nmt.training import DataPrefixes, train
from core.nmt.vocab import SPECIALS, write_vocab

pytestmark = pytest.mark.slow  # every test here trains a model

SYMBOLS = ("가", "나다", "라마", "바", "사아자", "차", "abc", "de", "f", "가나", "다라", "z")
FLAGS = {
    "num_units": 32,
    "num_layers": 1,
    "attention": "scaled_luong",
    "init_op": "glorot_uniform",
    "optimizer": "adam",
    "learning_rate": 0.01,
    "decay_scheme": "cosine",
    "dropout": 0.0,
    "batch_size": 64,
    "num_train_steps": 400,
    "metrics": "",
    "summaries": False,
}


@pytest.fixture(scope="module")
def files(tmp_path_factory, pairs_maker, pairs_writer):
    """train (3,000 pairs) and dev (100), the target being the source reversed; vectors for every symbol."""
    directory = tmp_path_factory.mktemp("inputs")
    pairs = pairs_maker(3100, seed=4, symbols=SYMBOLS, shortest=2, longest=6)
    pairs_writer(directory, "train", pairs[:3000])
    pairs_writer(directory, "dev", pairs[3000:])
    for suffix in ("req", "rep"):
        write_vocab(directory / f"vocab.{suffix}", [*SPECIALS, *SYMBOLS])
    vectors = np.random.default_rng(2).normal(size=(len(SYMBOLS), 12)).round(3)
    lines = [" ".join([symbol, *map(str, row)]) for symbol, row in zip(SYMBOLS, vectors.tolist(), strict=True)]
    (directory / "embed.req").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return directory, pairs[3000:]


@pytest.mark.parametrize(
    "flags",
    [
        {"use_char_encode": True},
        {"num_sampled_softmax": 6, "num_train_steps": 600},
        {"source_reverse": True},
        {"embed": True},
        {"embed": True, "share_vocab": True},
    ],
    ids=str,
)
def test_it_learns_to_reverse(files, tmp_path, flags):
    directory, unseen = files
    flags = dict(flags)
    embed = directory / "embed" if flags.pop("embed", False) else None
    data = DataPrefixes(directory / "vocab", directory / "train", directory / "dev", embed=embed)
    train(HParams(**{**FLAGS, **flags}), data, tmp_path, lambda event: None)
    answers = Translator(tmp_path).translate([source for source, _ in unseen])
    assert sum(answer.tokens == target for answer, (_, target) in zip(answers, unseen, strict=True)) > 90


def test_letters_tell_words_that_were_never_seen(files, tmp_path):
    """A vocabulary would know them all as <unk>; spelt, they are at least told apart."""
    directory, _ = files
    data = DataPrefixes(directory / "vocab", directory / "train")
    train(HParams(**{**FLAGS, "use_char_encode": True, "num_train_steps": 20}), data, tmp_path, lambda event: None)
    one, other = Translator(tmp_path).translate([["새말"], ["딴말"]])
    assert one.score != other.score


def test_a_language_model_learns_what_follows_what(tmp_path):
    # Every symbol is followed by the next one: only the first and the length are left to chance.
    rng = np.random.default_rng(6)
    for name, count in (("train", 1000), ("dev", 100)):
        starts, lengths = rng.integers(0, len(SYMBOLS), count), rng.integers(2, 9, count)
        lines = [[SYMBOLS[(s + i) % len(SYMBOLS)] for i in range(n)] for s, n in zip(starts, lengths, strict=True)]
        (tmp_path / f"{name}.rep").write_text("".join(" ".join(line) + "\n" for line in lines), encoding="utf-8")
    write_vocab(tmp_path / "vocab.rep", [*SPECIALS, *SYMBOLS])
    hparams = HParams(**{**FLAGS, "attention": "", "language_model": True, "num_train_steps": 300})
    data = DataPrefixes(tmp_path / "vocab", tmp_path / "train", tmp_path / "dev")
    scores = train(hparams, data, tmp_path / "model", lambda event: None)
    # log 12 for the first of 12 symbols and the choice of 7 lengths are 4.4 nats over 6 tokens on average: 2.1.
    assert scores["dev_ppl"] < 2.5
    [answer] = Translator(tmp_path / "model").translate([["x", "x", "x"]])
    found = [SYMBOLS.index(token) for token in answer.tokens]
    assert len(found) > 1
    assert all((b - a) % len(SYMBOLS) == 1 for a, b in pairwise(found))
