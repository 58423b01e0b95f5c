"""The figures that `bin/bench` works out from what it measured."""

import pytest
from benchmarks.drivers.protocol import Setup
from benchmarks.pairs import Morphemes, read_pairs, write_morphemes
from benchmarks.reply import Measured, cut, faster
from benchmarks.training import flop_per_target_token, forward_cost, ratio

from core.nmt.vocab import Vocab

SETUP = Setup("", "", layers=2, units=3, batch_size=128, dropout=0.2, learning_rate=0.002, threads=2, seed=0)


def test_cost_of_a_token_is_twice_the_weights_it_meets():
    cost = forward_cost(layers=2, units=3, vocab_size=10)
    encoder = 2 * (6 * 12) + 3 * 3  # two cells' kernels, the attention's memory kernel
    decoder = 9 * 12 + 6 * 12 + 6 * 3 + 3 * 10  # two cells, the attention's kernel, the projection
    assert cost == (2 * encoder, 2 * decoder, 2 * (3 + 3))


def test_training_costs_three_times_the_way_forward_at_real_tokens():
    cost = forward_cost(2, 3, 10)
    corpus = Morphemes(lengths=[(2, 4), (5, 1)], questions=[], vocab_size=10)
    total = 7 * cost.source + (5 + 2) * cost.target + (2 * 5 + 5 * 2) * cost.pair
    assert flop_per_target_token(SETUP, corpus) == pytest.approx(3 * total / 7)


def test_a_row_of_replies():
    measured = Measured()
    measured.add({"seconds": [0.01] * 98 + [0.05] * 2, "tokens": [16] * 100}, batch_size=2)
    rate = 200 / (0.98 + 0.1)
    assert measured.row(2) == ("10.0", "50.0", f"{rate:,.0f}", f"{rate * 8:,.0f}", "8.0")


def test_ratios_are_of_turns_that_followed_one_another():
    assert ratio([100, 300, 90], [50, 100, 30]) == "3.00× (2.00 … 3.00)"


def test_an_engine_that_says_more_is_credited_for_its_tokens():
    own, other = Measured([1.0], [10], [4.0]), Measured([1.0], [5], [2.0])
    assert faster(own, other) == "2.00× in sentences, 4.00× in tokens"


def test_only_whole_batches_are_asked():
    questions = [[str(i)] for i in range(10)]
    assert cut(questions, 4, calls=9) == [questions[:4], questions[4:8]]
    assert cut(questions, 2, calls=2) == [questions[:2], questions[2:4]]


def test_every_morpheme_is_a_token_of_one_vocabulary(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.pairs.HELD_OUT", 1)
    table = tmp_path / "pairs.csv"
    table.write_text("Q,A\n안녕하세요,반가워요\n잘 자요,좋은 꿈\n비가 와요,우산 챙겨요\n", encoding="utf-8")
    corpus = write_morphemes(read_pairs(table), tmp_path)
    assert len(corpus.lengths) == 2
    assert len(corpus.questions) == 1
    vocab = Vocab.load(tmp_path / "vocab.req")
    assert len(vocab) == corpus.vocab_size
    assert vocab == Vocab.load(tmp_path / "vocab.rep")
    lines = [(tmp_path / f"{name}.{side}").read_text("utf-8") for name in ("train", "dev") for side in ("req", "rep")]
    assert {token for line in lines for token in line.split()} == set(vocab.tokens(range(3, len(vocab))))
