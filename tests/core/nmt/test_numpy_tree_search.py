"""The NumPy way to the best sentence of a tree, held to the TensorFlow search over the same weights."""

from dataclasses import replace

import numpy as np
import pytest

from core.nmt.decoding import Decoder
from core.nmt.model import Seq2Seq
from core.nmt.numpy_model import NumpyModel
from core.nmt.numpy_tree_search import best_known_answers
from core.nmt.target_tree import TargetTree
from tests.core.nmt.random_sentences import ENDS, HPARAMS, VOCAB, sentences

pytestmark = pytest.mark.usefixtures("eagerly")


@pytest.fixture(scope="module")
def model():
    return Seq2Seq(HPARAMS, VOCAB, VOCAB)


@pytest.fixture(scope="module")
def sources():
    return [np.array(source, np.int32) for source in sentences(1, 7)]


@pytest.mark.parametrize("beam_width", [0, 1, 3])
def test_it_finds_what_tensorflow_finds(model, sources, beam_width):
    # Few tokens in many sentences, so that beams share beginnings and are pushed out.
    tree = TargetTree([[token % 5 + 3 for token in sentence] for sentence in sentences(2, 60)], ENDS.eos_id)
    mode = {"beam_width": beam_width, "infer_mode": "beam_search"} if beam_width else {}
    expected = [ranked[0] for ranked in Decoder(model, replace(HPARAMS, **mode), ENDS, tree=tree).decode(sources)]
    found = best_known_answers(NumpyModel(model), tree, sources, beam_width, ENDS)
    assert [answer.ids for answer in found] == [ranked.ids for ranked in expected]
    assert [answer.log_prob for answer in found] == pytest.approx([ranked.log_prob for ranked in expected], rel=1e-4)
    assert [answer.scored_tokens for answer in found] == [ranked.scored_tokens for ranked in expected]


def test_a_batch_finds_what_its_sources_find_alone(model, sources):
    tree = TargetTree(sentences(3, 40), ENDS.eos_id)
    numpy_model = NumpyModel(model)
    together = best_known_answers(numpy_model, tree, sources, 4, ENDS, batch_size=3)
    assert len({tuple(answer.ids) for answer in together}) > 1
    for source, answer in zip(sources, together, strict=True):
        [alone] = best_known_answers(numpy_model, tree, [source], 4, ENDS)
        assert alone.ids == answer.ids
        assert alone.log_prob == pytest.approx(answer.log_prob, rel=1e-4)


def test_as_many_beams_as_sentences_find_the_best_of_all(model, sources):
    known = sentences(4, 12)
    tree = TargetTree(known, ENDS.eos_id)
    every = Decoder(model, replace(HPARAMS, beam_width=12, infer_mode="beam_search"), ENDS, tree=tree).decode(sources)
    found = best_known_answers(NumpyModel(model), tree, sources, 12, ENDS)
    assert [sorted(one.ids for one in ranked) for ranked in every] == [sorted(known)] * len(sources)
    best = [max(ranked, key=lambda one: one.log_prob).ids for ranked in every]
    assert [answer.ids for answer in found] == best


def test_a_decoder_of_frozen_weights_takes_this_way(model, sources):
    tree = TargetTree(sentences(5, 20), ENDS.eos_id)
    quick, slow = (Decoder(model, HPARAMS, ENDS, frozen=frozen, tree=tree) for frozen in (True, False))
    assert quick.is_quick
    nothing = np.zeros(0, np.int32)
    ids = [
        [[one.ids for one in ranked] for batch in decoder.decode_best_in_order([*sources, nothing]) for ranked in batch]
        for decoder in (quick, slow)
    ]
    assert ids[0] == ids[1]
    assert ids[0][-1] == []


def both_ways(model, hparams, tree, sources):
    """The quick decoder and the TensorFlow one, and what both find for each of `sources`, all of it alike."""
    quick, slow = (Decoder(model, hparams, ENDS, frozen=frozen, tree=tree) for frozen in (True, False))
    assert quick.is_quick
    expected = slow.decode(sources)
    for some, ranked in zip(quick.decode_some(sources, hparams.beam_width), expected, strict=True):
        assert [one.ids for one in some] == [one.ids for one in ranked]
        assert [one.score for one in some] == pytest.approx([one.score for one in ranked], rel=1e-4)
    return quick, slow, expected


def test_a_length_penalty_ranks_what_both_ways_find(model, sources):
    tree = TargetTree([[token % 5 + 3 for token in sentence] for sentence in sentences(2, 60)], ENDS.eos_id)
    hparams = replace(HPARAMS, beam_width=6, infer_mode="beam_search", length_penalty_weight=0.6)
    quick, _, expected = both_ways(model, hparams, tree, sources)
    assert [one.ids for one in quick.decode_best(sources)] == [ranked[0].ids for ranked in expected]
    likeliest = [sorted(ranked, key=lambda one: -one.log_prob) for ranked in expected]
    assert likeliest != expected  # the penalty decides somewhere


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_both_ways_rank_by_all_readings(model, weight):
    sources = [np.array(source, np.int32) for source in sentences(6, 40)]
    tree = TargetTree([[token % 5 + 3 for token in sentence] for sentence in sentences(2, 60)], ENDS.eos_id)
    plain = replace(HPARAMS, beam_width=6, infer_mode="beam_search", length_penalty_weight=weight)
    hparams = replace(plain, leave_one_out=0.75)
    quick, slow, expected = both_ways(model, hparams, tree, sources)
    best = [ranked[0].ids for ranked in expected]
    assert [one.ids for one in quick.decode_best(sources)] == best
    assert [some[0].ids for some in quick.decode_some(sources, 1)] == best
    for decoder in (quick, slow):
        in_order = [ranked[0].ids for batch in decoder.decode_best_in_order(sources) for ranked in batch]
        assert in_order == best
    # What is left of a source decides: for what the whole one found second or later, and for what it did not find.
    once = [[one.ids for one in some] for some in Decoder(model, plain, ENDS, frozen=True, tree=tree).decode(sources)]
    assert any(ids in some[1:] for some, ids in zip(once, best, strict=True))
    assert any(ids not in some for some, ids in zip(once, best, strict=True))


def test_both_ways_read_again_what_is_in_doubt_alone(model, monkeypatch):
    """Weights as they begin are sure of nothing, so the bar comes down to them: half of the sources pass it."""
    sources = [np.array(source, np.int32) for source in sentences(6, 20)]
    tree = TargetTree([[token % 5 + 3 for token in sentence] for sentence in sentences(2, 20)], ENDS.eos_id)
    plain = replace(HPARAMS, beam_width=3, infer_mode="beam_search", length_penalty_weight=1.0)
    once = Decoder(model, plain, ENDS, frozen=True, tree=tree).decode_some(sources, 3)
    scores = [some[0].score for some in once]
    monkeypatch.setattr("core.nmt.readings._LIKELY", np.exp(np.median(scores)))
    _, _, again = both_ways(model, replace(plain, leave_one_out=0.75), tree, sources)
    for source, some, others in zip(sources, once, again, strict=True):
        same = [one.score for one in some] == pytest.approx([one.score for one in others], rel=1e-5)
        assert same == (len(source) == 1 or some[0].score > np.median(scores))


def test_without_a_tree_nothing_is_read_again(model, sources):
    plain = replace(HPARAMS, beam_width=3, infer_mode="beam_search", tgt_max_len_infer=8)
    once, more = (Decoder(model, replace(plain, leave_one_out=again), ENDS) for again in (0.0, 0.75))
    assert [[one.ids for one in some] for some in more.decode(sources)] == [
        [one.ids for one in some] for some in once.decode(sources)
    ]
