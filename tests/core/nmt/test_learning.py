"""The engine really learns: whole trainings, on sequences whose answer a rule gives."""

import pytest

from core.nmt.hparams import HParams
from core.nmt.inference import Translator
from core.nmt.training import DataPrefixes, train
from core.nmt.vocab import SPECIALS, write_vocab

pytestmark = pytest.mark.slow

SYMBOLS = tuple("abcdefghijklmnopqrst")
RULES = {"reverse": lambda source: source[::-1], "copy": lambda source: source}
UNITS = ("lstm", "gru", "layer_norm_lstm", "nas")
ENCODERS = ("uni", "bi", "gnmt")
ARCHITECTURES = ("standard", "gnmt", "gnmt_v2")
MECHANISMS = ("luong", "scaled_luong", "bahdanau", "normed_bahdanau")


@pytest.fixture(scope="module")
def learn(tmp_path_factory, pairs_maker, pairs_writer):
    """Train on what a rule makes of random sequences; the model, and pairs that it never saw."""

    def make(hparams, rule, train_pairs, symbols=SYMBOLS, longest=8):
        directory = tmp_path_factory.mktemp("learning")
        pairs = pairs_maker(train_pairs + 400, seed=9, symbols=symbols, shortest=2, longest=longest, target=rule)
        pairs_writer(directory, "train", pairs[:train_pairs])
        for suffix in ("req", "rep"):
            write_vocab(directory / f"vocab.{suffix}", [*SPECIALS, *symbols])
        data = DataPrefixes(directory / "vocab", directory / "train")
        train(hparams, data, directory / "model", lambda event: None)
        return directory / "model", pairs[train_pairs:]

    return make


def share_right(model_dir, pairs, **flags):
    answers = Translator(model_dir, **flags).translate([source for source, _ in pairs])
    return sum(answer.tokens == target for answer, (_, target) in zip(answers, pairs, strict=True)) / len(pairs)


@pytest.mark.parametrize("rule", RULES)
def test_it_learns_to_transform_sequences_that_it_never_saw(learn, rule):
    hparams = HParams(
        num_units=64,
        num_layers=2,
        attention="scaled_luong",
        optimizer="adam",
        learning_rate=0.005,
        decay_scheme="cosine",
        dropout=0.0,
        batch_size=64,
        num_train_steps=600,
    )
    model_dir, unseen = learn(hparams, RULES[rule], 6000)
    assert share_right(model_dir, unseen) > 0.95


def combinations():
    """Every architecture × unit × encoder, the mechanisms in turn, so that each one meets each of them all."""
    for u, unit_type in enumerate(UNITS):
        for e, encoder_type in enumerate(ENCODERS):
            for a, architecture in enumerate(ARCHITECTURES):
                yield unit_type, encoder_type, architecture, MECHANISMS[(u + e + a) % len(MECHANISMS)]
            if unit_type == "lstm" or encoder_type == "uni":
                yield unit_type, encoder_type, "standard", ""


@pytest.mark.parametrize(("unit_type", "encoder_type", "architecture", "attention"), list(combinations()))
def test_every_combination_learns_to_reverse(learn, unit_type, encoder_type, architecture, attention):
    hparams = HParams(
        num_units=32,
        num_layers=2,
        attention=attention,
        attention_architecture=architecture,
        unit_type=unit_type,
        encoder_type=encoder_type,
        residual=True,
        init_op="glorot_uniform",
        optimizer="adam",
        learning_rate=0.02,
        decay_scheme="cosine",
        dropout=0.0,
        batch_size=64,
        num_buckets=1,
        num_train_steps=150,
        steps_per_stats=150,
    )
    # Of the 1,548 sequences of 2 to 4 among 6 symbols 1,000 are learned; guessing one of the others is hopeless.
    model_dir, unseen = learn(hparams, RULES["reverse"], 1000, symbols=SYMBOLS[:6], longest=4)
    assert share_right(model_dir, unseen[:200]) >= 0.9
    if unit_type == "lstm":  # the searches know nothing of cells
        assert share_right(model_dir, unseen[:40], beam_width=3) >= 0.9
