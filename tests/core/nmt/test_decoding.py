"""Many sentences through a model: batches, bounds, and what each search gives."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from core.nmt.decoding import Decoder
from core.nmt.errors import NmtError
from core.nmt.hparams import HParams
from core.nmt.model import SearchState, Seq2Seq
from core.nmt.search import Ends
from core.nmt.target_tree import TargetTree
from core.nmt.vocab import EOS_ID, SPECIALS, Vocab

pytestmark = pytest.mark.usefixtures("eagerly")

VOCAB = Vocab([*SPECIALS, *"abcdefgh"])
HPARAMS = HParams(num_units=3, num_layers=1, attention="luong", init_weight=0.9)
BEAMS = {"infer_mode": "beam_search", "beam_width": 3}
SAMPLES = {"infer_mode": "sample", "sampling_temperature": 1.0}
SOURCES = [np.array(ids, np.int32) for ids in ([5, 6, 7, 3], [4], [8, 8], [9, 3, 5], [10, 10, 10, 9, 8])]


@pytest.fixture
def compiled(eagerly):
    """As in use, where the test is about that."""
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def model():
    return Seq2Seq(HPARAMS, len(VOCAB), len(VOCAB))


@pytest.fixture(scope="module")
def endless():
    """To it all tokens are alike, and the first one, <unk>, wins."""
    model = Seq2Seq(HPARAMS, len(VOCAB), len(VOCAB))
    model.projection.assign(np.zeros(model.projection.shape, np.float32))
    return model


@pytest.fixture(scope="module")
def greedy(model):
    return Decoder(model, HPARAMS)


def test_in_order_answers_are_bounded_by_the_longest_source_of_their_batch(endless):
    decoder = Decoder(endless, replace(HPARAMS, infer_batch_size=2))
    batches = list(decoder.decode_in_order(SOURCES))
    assert [lengths(batch) for batch in batches] == [[8, 8], [6, 6], [10]]
    told = Decoder(endless, replace(HPARAMS, infer_batch_size=2, tgt_max_len_infer=3))
    assert [lengths(batch) for batch in told.decode_in_order(SOURCES)] == [[3, 3], [3, 3], [3]]


def test_in_order_a_source_without_tokens_has_no_answer_but_where_there_is_no_attention(endless):
    nothing = np.zeros(0, np.int32)
    assert [
        len(ranked) for [*batch] in Decoder(endless, HPARAMS).decode_in_order([nothing, SOURCES[0]]) for ranked in batch
    ] == [0, 1]
    deaf = Seq2Seq(replace(HPARAMS, attention=""), len(VOCAB), len(VOCAB))
    decoder = Decoder(deaf, deaf.hparams)
    [batch] = decoder.decode_in_order([nothing, SOURCES[0]])
    assert [len(ranked) for ranked in batch] == [1, 1]
    assert list(decoder.decode_in_order([nothing, nothing])) == [[[], []]]


def test_each_source_has_its_own_answer_whatever_it_is_decoded_with(model, greedy):
    few = Decoder(model, replace(HPARAMS, infer_batch_size=2, tgt_max_len_infer=4))
    together = few.decode(SOURCES)
    assert len(together) == len(SOURCES)
    for source, ranked in zip(SOURCES, together, strict=True):
        [[alone]] = few.decode([source])
        assert ranked[0].ids == alone.ids
        assert ranked[0].log_prob == pytest.approx(alone.log_prob, rel=1e-4)
    assert greedy.decode([]) == []


def lengths(decoded):
    return [len(ranked[0].ids) for ranked in decoded]


def test_answers_are_as_long_as_told_or_twice_their_source_but_at_least_ten_tokens(endless):
    sources = [np.full(7, 3, np.int32), *SOURCES[:2]]
    assert lengths(Decoder(endless, HPARAMS).decode(sources)) == [14, 10, 10]
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
    beams = Decoder(model, replace(HPARAMS, tgt_max_len_infer=4, **BEAMS)).decode(SOURCES[:2])
    for ranked in beams:
        assert len(ranked) == 3
        assert len({tuple(hypothesis.ids) for hypothesis in ranked}) == 3
        log_probs = [hypothesis.log_prob for hypothesis in ranked]
        assert log_probs == sorted(log_probs, reverse=True)


def test_long_sources_are_cut_when_told(model):
    cut = Decoder(model, replace(HPARAMS, src_max_len_infer=2, tgt_max_len_infer=4))
    [[long]], [[short]] = cut.decode([SOURCES[0]]), cut.decode([SOURCES[0][:2]])
    assert long == short


def test_other_ends_than_the_usual_ones(model):
    """Whatever the model takes for the end, nothing comes after it."""
    short = replace(HPARAMS, tgt_max_len_infer=5)
    ids = [ranked[0].ids for ranked in Decoder(model, short).decode(SOURCES)]
    common = max({token for row in ids for token in row}, key=lambda token: sum(token in row for row in ids))
    ended = Decoder(model, short, Ends(1, common)).decode(SOURCES)
    assert any(len(ranked[0].ids) < len(row) for ranked, row in zip(ended, ids, strict=True))
    assert all(common not in ranked[0].ids for ranked in ended)


def test_samples_depend_on_the_seed_and_the_source_alone(model):
    hparams = replace(HPARAMS, **SAMPLES, num_translations_per_input=3, tgt_max_len_infer=4)
    decoder = Decoder(model, hparams)
    together = [[one.ids for one in ranked] for ranked in decoder.decode(SOURCES)]
    assert [[one.ids for one in ranked] for ranked in Decoder(model, hparams).decode(SOURCES[::-1])] == together[::-1]
    assert [one.ids for one in decoder.decode(SOURCES[2:3])[0]] == together[2]
    assert all(len(ranked) == 3 for ranked in together)
    assert sum(len({tuple(ids) for ids in ranked}) for ranked in together) > 10
    other = Decoder(model, replace(hparams, random_seed=5)).decode(SOURCES)
    assert [[one.ids for one in ranked] for ranked in other] != together


def test_samples_are_scored_by_the_model(model):
    decoder = Decoder(model, replace(HPARAMS, tgt_max_len_infer=4, **SAMPLES))
    for source, ranked in zip(SOURCES[:3], decoder.decode(SOURCES[:3]), strict=True):
        ids = ranked[0].ids + [EOS_ID] * (ranked[0].scored_tokens - len(ranked[0].ids))
        start = model.encode(tf.constant(source[np.newaxis]), tf.constant([len(source)]))
        step, state, total, fed = model.step_fn(start.memory), SearchState(start.state), 0.0, 1
        for token in ids:
            log_probs, state = step(tf.constant([fed]), state)
            total, fed = total + float(log_probs[0, token]), token
        assert ranked[0].log_prob == pytest.approx(total, rel=1e-4)


@pytest.mark.parametrize("mode", [{}, BEAMS, SAMPLES], ids=["greedy", "beams", "sample"])
def test_alignments_have_a_row_for_each_token_over_the_source_alone(model, mode):
    decoder = Decoder(model, replace(HPARAMS, tgt_max_len_infer=4, **mode), keep_alignments=True)
    for source, ranked in zip(SOURCES[:3], decoder.decode(SOURCES[:3]), strict=True):
        for hypothesis in ranked:
            assert hypothesis.alignments.shape == (len(hypothesis.ids), len(source))
            assert hypothesis.alignments.sum(1) == pytest.approx(np.ones(len(hypothesis.ids)), rel=1e-5)
    unasked = Decoder(model, replace(HPARAMS, tgt_max_len_infer=1))
    assert unasked.decode(SOURCES[:1])[0][0].alignments is None


def test_alignments_lie_in_the_order_of_the_file_also_where_the_source_is_read_backwards(model):
    short = replace(HPARAMS, tgt_max_len_infer=4)
    backwards = Seq2Seq(replace(short, source_reverse=True), len(VOCAB), len(VOCAB))
    for ours, theirs in zip(backwards.variables, model.variables, strict=True):
        ours.assign(theirs)
    decoder = Decoder(backwards, backwards.hparams, keep_alignments=True)
    for source, ranked in zip(SOURCES[:3], decoder.decode(SOURCES[:3]), strict=True):
        [[other]] = Decoder(model, short, keep_alignments=True).decode([source[::-1]])
        assert ranked[0].ids == other.ids
        assert ranked[0].alignments == pytest.approx(other.alignments[:, ::-1], abs=1e-5)


@pytest.mark.parametrize("mode", [{}, BEAMS, SAMPLES], ids=["greedy", "beams", "sample"])
def test_no_search_says_twice_what_it_must_not(model, mode):
    free = Decoder(model, replace(HPARAMS, tgt_max_len_infer=5, **mode)).decode(SOURCES)
    limited = replace(HPARAMS, tgt_max_len_infer=5, no_repeat_ngram_size=1, repetition_penalty=1.2, **mode)
    assert any(len(set(one.ids)) < len(one.ids) for ranked in free for one in ranked)
    for ranked in Decoder(model, limited).decode(SOURCES):
        assert all(len(set(one.ids)) == len(one.ids) for one in ranked)


@pytest.mark.parametrize("mode", [{}, BEAMS, SAMPLES], ids=["greedy", "beams", "sample"])
def test_every_search_keeps_to_the_tree_and_says_its_sentences_whole(model, mode):
    known = [[3, 4, 3, 5], [9]]
    limited = replace(HPARAMS, tgt_max_len_infer=2, **mode)
    found = Decoder(model, limited, tree=TargetTree(known, EOS_ID)).decode(SOURCES)
    assert all(one.ids in known for ranked in found for one in ranked)
    assert [len(ranked) for ranked in found] == [2 if mode is BEAMS else 1] * len(SOURCES)
    assert all(one.log_prob > -1e3 for ranked in found for one in ranked)


def test_sentences_of_a_tree_are_ranked_by_length_and_by_coverage(model):
    tree, hparams = TargetTree([[3], [9, 5], [4, 3, 5]], EOS_ID), replace(HPARAMS, coverage_penalty_weight=0.5, **BEAMS)
    [covered], [weighed] = (
        Decoder(model, replace(hparams, length_penalty_weight=weight), tree=tree).decode(SOURCES[:1])
        for weight in (0.0, 1.0)
    )
    coverage = {len(one.ids): one.score - one.log_prob for one in covered}
    assert (coverage[1], coverage[3]) == (pytest.approx(-1.4, abs=0.1), 0)  # what ends last has none
    for one in weighed:
        expected = one.log_prob / ((5 + one.scored_tokens) / 6) + coverage[len(one.ids)]
        assert one.score == pytest.approx(expected, rel=1e-4)
    assert [one.score for one in weighed] == sorted((one.score for one in weighed), reverse=True)


@pytest.mark.parametrize("mode", [{}, BEAMS], ids=["greedy", "beams"])
def test_where_no_sentence_of_the_tree_may_be_said_nothing_is(model, mode):
    hparams = replace(HPARAMS, no_repeat_ngram_size=1, **mode)
    decoder = Decoder(model, hparams, frozen=True, tree=TargetTree([[3, 4, 3], [5, 5]], EOS_ID))
    assert decoder.decode(SOURCES[:2]) == [[], []]
    assert decoder.decode_some(SOURCES[:1], 2) == [[]]
    assert [(one.ids, one.log_prob) for one in decoder.decode_best(SOURCES[:2])] == [([], -math.inf)] * 2


def test_what_needs_attention_is_refused_without():
    deaf = Seq2Seq(replace(HPARAMS, attention=""), len(VOCAB), len(VOCAB))
    with pytest.raises(NmtError, match="--coverage_penalty_weight needs"):
        Decoder(deaf, replace(deaf.hparams, coverage_penalty_weight=0.5, **BEAMS))
    with pytest.raises(NmtError, match="--alignments_output_file needs"):
        Decoder(deaf, deaf.hparams, keep_alignments=True)
    Decoder(deaf, replace(deaf.hparams, coverage_penalty_weight=0.5))  # of no meaning to greedy search


def test_coverage_counts_the_same_in_a_batch_as_alone(model):
    penalties = {"coverage_penalty_weight": 0.5, "length_penalty_weight": 0.5}
    hparams = replace(HPARAMS, tgt_max_len_infer=3, **penalties, **BEAMS)
    decoder = Decoder(model, hparams)
    for source, ranked in zip(SOURCES[:2], decoder.decode(SOURCES[:2]), strict=True):
        [alone] = decoder.decode([source])
        assert [one.ids for one in ranked] == [one.ids for one in alone]
        assert [one.score for one in ranked] == pytest.approx([one.score for one in alone], rel=1e-4)
        assert [one.score for one in ranked] == sorted((one.score for one in ranked), reverse=True)


@pytest.mark.usefixtures("compiled")
def test_nothing_is_compiled_again_for_another_shape(greedy):
    greedy.decode(SOURCES[:1])
    greedy.decode(SOURCES)
    assert greedy._search.experimental_get_tracing_count() == 1


@pytest.mark.slow
@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("mode", [{}, BEAMS, SAMPLES], ids=["greedy", "beams", "sample"])
def test_two_threads_on_one_model_find_what_one_finds(model, mode):
    hparams = replace(HPARAMS, length_penalty_weight=0.5, coverage_penalty_weight=0.2, infer_batch_size=2, **mode)
    decoder = Decoder(model, hparams, keep_alignments=True)
    alone = decoder.decode(SOURCES)
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(decoder.decode, [SOURCES, SOURCES[::-1]] * 6))
    for forward, backward in zip(together[::2], together[1::2], strict=True):
        for found in (forward, backward[::-1]):
            assert [[one.ids for one in ranked] for ranked in found] == [
                [one.ids for one in ranked] for ranked in alone
            ]
