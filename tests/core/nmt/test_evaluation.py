"""The scores of a model on a corpus."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import tensorflow as tf

from core.nmt.dataset import batch_arrays, read_corpus
from core.nmt.evaluation import Evaluator
from core.nmt.hparams import HParams
from core.nmt.model import Batch, Seq2Seq
from core.nmt.ranking import Ranked
from core.nmt.target_tree import TargetTree
from core.nmt.vocab import SPECIALS, Vocab

pytestmark = pytest.mark.usefixtures("eagerly")

VOCAB = Vocab([*SPECIALS, *"abcdefgh"])
HPARAMS = HParams(
    num_units=3, num_layers=1, attention="luong", init_weight=0.9, metrics="accuracy,word_accuracy", batch_size=4
)


@pytest.fixture(scope="module")
def model():
    return Seq2Seq(HPARAMS, len(VOCAB), len(VOCAB))


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
    told = []
    scores = Evaluator(model, VOCAB).scores(corpus, lambda done, total: told.append((done, total)))
    assert scores["ppl"] == pytest.approx(math.exp(losses.mean()), rel=1e-4)
    assert told == [(5, 5)]


class Parrot:
    """Gives each source a fixed answer."""

    def __init__(self, answers):
        self.answers = answers

    def decode_best_in_order(self, sources):
        for answer in self.answers:
            yield [[Ranked(answer, 0.0, 1, 0.0)] if answer else []]


def test_scores_compare_answers_with_references_token_by_token(model, corpus, monkeypatch):
    evaluator = Evaluator(model, VOCAB)
    answers = [[3], [4, 5, 6], [8], [8, 0, 9, 10, 3], [4]]  # the references, and <unk> where a token is unknown
    monkeypatch.setattr(evaluator, "_decoder", Parrot(answers))
    scores = evaluator.scores(corpus)
    assert set(scores) == {"ppl", "accuracy", "word_accuracy"}
    # "e" is 7, not 8; and <unk> is not the word that the vocabulary lacks.
    assert scores["accuracy"] == pytest.approx(100 * 3 / 5)
    assert scores["word_accuracy"] == pytest.approx(100 * (1 + 1 + 0 + 4 / 5 + 1) / 5)


def test_perplexity_is_of_sentences_cut_as_in_inference(corpus):
    """As in tensorflow/nmt, whose answers are scored against whole references all the same."""
    short = Seq2Seq(replace(HPARAMS, src_max_len_infer=2, tgt_max_len_infer=1), len(VOCAB), len(VOCAB))
    rows = [row[:2] for row in corpus.sources()], [row[:1] for row in corpus.targets()]
    losses = short.token_losses(Batch(*(tf.constant(array) for array in batch_arrays(*rows)))).numpy()
    assert len(losses) == 5 + 5
    found = Evaluator(short, VOCAB).perplexity(corpus.sources(), corpus.targets())
    assert found == pytest.approx(math.exp(losses.mean()), rel=1e-4)


def test_with_a_tree_only_its_sentences_are_scored(model):
    tree = TargetTree([VOCAB.numbers(["b", "a"])], VOCAB.eos_id)
    evaluator = Evaluator(model, VOCAB, tree)
    assert evaluator.answers([VOCAB.ids(["a"]), VOCAB.ids(["b", "a"])]) == ["b a", "b a"]
