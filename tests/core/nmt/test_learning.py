"""The engine really learns: whole trainings, on sequences whose answer a rule gives."""

import pytest

from core.nmt.hparams import HParams
from core.nmt.inference import Translator
from core.nmt.training import DataPrefixes, train
from core.nmt.vocab import SPECIALS, write_vocab

pytestmark = pytest.mark.slow

SYMBOLS = tuple("abcdefghijklmnopqrst")
RULES = {"reverse": lambda source: source[::-1], "copy": lambda source: source}


@pytest.fixture(scope="module")
def learn(tmp_path_factory, pairs_maker, pairs_writer):
    """Train on what a rule makes of random sequences; the events, the model, and pairs that it never saw."""

    def make(hparams, rule, train_pairs, symbols=SYMBOLS, longest=8):
        directory = tmp_path_factory.mktemp("learning")
        pairs = pairs_maker(train_pairs + 400, seed=9, symbols=symbols, shortest=2, longest=longest, target=rule)
        pairs_writer(directory, "train", pairs[:train_pairs])
        for suffix in ("req", "rep"):
            write_vocab(directory / f"vocab.{suffix}", [*SPECIALS, *symbols])
        data, events = DataPrefixes(directory / "vocab", directory / "train"), []
        train(hparams, data, directory / "model", events.append)
        return events, directory / "model", pairs[train_pairs:]

    return make


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
    _, model_dir, unseen = learn(hparams, RULES[rule], 6000)
    answers = Translator(model_dir).translate([source for source, _ in unseen])
    right = sum(answer.tokens == target for answer, (_, target) in zip(answers, unseen, strict=True))
    assert right / len(unseen) > 0.95


@pytest.mark.parametrize("encoder_type", ["uni", "bi"])
@pytest.mark.parametrize("unit_type", ["lstm", "gru"])
@pytest.mark.parametrize("attention", ["", "luong", "scaled_luong", "bahdanau", "normed_bahdanau"])
def test_every_combination_learns_and_decodes(learn, attention, unit_type, encoder_type):
    hparams = HParams(
        num_units=16,
        num_layers=2,
        attention=attention,
        unit_type=unit_type,
        encoder_type=encoder_type,
        residual=True,
        optimizer="adam",
        learning_rate=0.02,
        dropout=0.1,
        batch_size=32,
        num_buckets=1,
        num_train_steps=60,
        steps_per_stats=15,
        tgt_max_len_infer=6,
    )
    events, model_dir, unseen = learn(hparams, RULES["reverse"], 64, symbols=SYMBOLS[:6], longest=4)
    losses = [event.values["loss"] for event in events if event.phase == "train"]
    assert losses[-1] < 0.8 * losses[0]
    for beam_width in (0, 3):
        answers = Translator(model_dir, beam_width=beam_width).translate([source for source, _ in unseen[:5]])
        assert all(0 < answer.score <= 1 for answer in answers)
        assert all(len(answer.tokens) <= 6 for answer in answers)
