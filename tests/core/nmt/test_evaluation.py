"""Decoding many sentences, and the scores of a model on a corpus."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import tensorflow as tf

from core.nmt.dataset import batch_arrays, read_corpus
from core.nmt.evaluation import Decoder, Evaluator
from core.nmt.hparams import HParams
from core.nmt.model import Batch, Seq2Seq
from core.nmt.vocab import EOS_ID, SPECIALS, Vocab

VOCAB = Vocab([*SPECIALS, *"abcdefgh"])
HPARAMS = HParams(
    num_units=3, num_layers=1, attention="luong", init_weight=0.9, metrics="accuracy,word_accuracy", batch_size=4
)
SOURCES = [np.array(ids, np.int32) for ids in ([5, 6, 7, 3], [4], [8, 8], [9, 3, 5], [10, 10, 10, 9, 8])]


@pytest.fixture(scope="module")
def model():
    return Seq2Seq(HPARAMS, len(VOCAB), len(VOCAB))


@pytest.fixture(scope="module")
def greedy(model):
    return Decoder(model, HPARAMS)


def test_each_source_has_its_own_answer_whatever_it_is_decoded_with(model, greedy):
    few = Decoder(model, replace(HPARAMS, infer_batch_size=2, tgt_max_len_infer=8))
    together = few.decode(SOURCES)
    assert len(together) == len(SOURCES)
    for source, ranked in zip(SOURCES, together, strict=True):
        [[alone]] = few.decode([source])
        assert ranked[0].ids == alone.ids
        assert ranked[0].log_prob == pytest.approx(alone.log_prob, rel=1e-4)
    assert greedy.decode([]) == []


def test_answers_are_as_long_as_told_or_twice_the_longest_source_but_at_least_ten_tokens():
    endless = Seq2Seq(HPARAMS, len(VOCAB), len(VOCAB))
    endless.projection.assign(np.zeros(endless.projection.shape, np.float32))  # all tokens alike: the first wins, <unk>
    assert len(Decoder(endless, HPARAMS).decode(SOURCES[:1])[0][0].ids) == 10
    assert len(Decoder(endless, HPARAMS).decode([np.full(7, 3, np.int32)])[0][0].ids) == 14
    [[cut_off]] = Decoder(endless, replace(HPARAMS, tgt_max_len_infer=3)).decode(SOURCES[:1])
    assert len(cut_off.ids) == cut_off.scored_tokens == 3
    assert cut_off.log_prob == pytest.approx(-3 * math.log(len(VOCAB)), rel=1e-5)


def test_the_end_is_one_of_the_scored_tokens():
    mute = Seq2Seq(replace(HPARAMS, output_attention=False), len(VOCAB), len(VOCAB))
    for variable in mute.trainable_variables:
        variable.assign(np.zeros(variable.shape, np.float32))
    mute.decoder.cells[0].bias.assign([0, 0, 0, 9, 9, 9, 0, 0, 0, 9, 9, 9])  # i, g, f, o: all outputs are 0.76
    mute.projection.assign(np.tile(50 * np.eye(1, len(VOCAB), k=EOS_ID, dtype=np.float32), (3, 1)))
    [[answer]] = Decoder(mute, HPARAMS).decode(SOURCES[:1])
    assert answer.ids == []
    assert answer.scored_tokens == 1
    assert answer.log_prob == pytest.approx(0, abs=1e-3)


def test_a_beam_gives_all_its_hypotheses_the_best_first(model):
    beams = Decoder(model, replace(HPARAMS, beam_width=3)).decode(SOURCES[:2])
    for ranked in beams:
        assert len(ranked) == 3
        assert len({tuple(hypothesis.ids) for hypothesis in ranked}) == 3
        log_probs = [hypothesis.log_prob for hypothesis in ranked]
        assert log_probs == sorted(log_probs, reverse=True)


def test_long_sources_are_cut_when_told(model):
    cut = Decoder(model, replace(HPARAMS, src_max_len_infer=2, tgt_max_len_infer=6))
    [[long]], [[short]] = cut.decode([SOURCES[0]]), cut.decode([SOURCES[0][:2]])
    assert long == short


def test_nothing_is_compiled_again_for_another_shape(greedy):
    greedy.decode(SOURCES[:1])
    greedy.decode(SOURCES)
    assert greedy._search.experimental_get_tracing_count() == 1


@pytest.fixture
def corpus(tmp_path):
    """Five pairs, so that the last batch of four is short; one target token is unknown."""
    (tmp_path / "dev.req").write_text("a b\nc\nd e f\ng\nh a\n", encoding="utf-8")
    (tmp_path / "dev.rep").write_text("a\nb c d\ne\nf 모름 g h a\nb\n", encoding="utf-8")
    return read_corpus(tmp_path / "dev", HPARAMS, VOCAB, VOCAB, training=False)


def test_perplexity_is_that_of_a_token_over_the_whole_corpus(model, corpus):
    rows = [
        [ids[a:b] for a, b in pairwise(at)] for ids, at in ((corpus.src, corpus.src_at), (corpus.tgt, corpus.tgt_at))
    ]
    losses = model.token_losses(Batch(*(tf.constant(array) for array in batch_arrays(*rows)))).numpy()
    assert len(losses) == 11 + 5
    assert Evaluator(model, VOCAB).scores(corpus)["ppl"] == pytest.approx(math.exp(losses.mean()), rel=1e-4)


class Parrot:
    """Gives each source a fixed answer."""

    def __init__(self, answers):
        self.answers = answers

    def decode(self, sources):
        class Ranked:
            def __init__(self, ids):
                self.ids = ids

        return [[Ranked(answer)] for answer in self.answers]


def test_scores_compare_answers_with_references_token_by_token(model, corpus, monkeypatch):
    evaluator = Evaluator(model, VOCAB)
    answers = [[3], [4, 5, 6], [8], [8, 0, 9, 10, 3], [4]]  # the references, and <unk> where a token is unknown
    monkeypatch.setattr(evaluator, "_decoder", Parrot(answers))
    scores = evaluator.scores(corpus)
    assert set(scores) == {"ppl", "accuracy", "word_accuracy"}
    # "e" is 7, not 8; and <unk> is not the word that the vocabulary lacks.
    assert scores["accuracy"] == pytest.approx(100 * 3 / 5)
    assert scores["word_accuracy"] == pytest.approx(100 * (1 + 1 + 0 + 4 / 5 + 1) / 5)
