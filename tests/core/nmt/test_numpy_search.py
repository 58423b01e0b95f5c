"""The NumPy way to the best answer, held to the TensorFlow searches over the same weights."""

from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import tensorflow as tf

from core.nmt.beams import BeamSettings, beam_search, repeat_rows
from core.nmt.compiled_model import CompiledModel
from core.nmt.dataset import pad
from core.nmt.embeddings import Vectors
from core.nmt.errors import NmtError
from core.nmt.hparams import HParams
from core.nmt.kernels import load_kernels
from core.nmt.model import Pretrained, SearchState, Seq2Seq, Start
from core.nmt.numpy_model import NumpyModel, covers
from core.nmt.numpy_search import best_answers, covers_search
from core.nmt.search import Ends, greedy_search
from tests.core.nmt.chain_model import Chain
from tests.core.nmt.random_sentences import variants

ENDS = Ends(1, 2)
SRC_VOCAB, TGT_VOCAB = 29, 150
PLAIN = HParams(num_units=16, num_layers=3, attention="scaled_luong", init_weight=1.2)
VARIANTS = variants(PLAIN)


def make_model(hparams, pretrained=None):
    model = Seq2Seq(hparams, SRC_VOCAB, TGT_VOCAB, pretrained)
    generator = np.random.default_rng(5)
    for variable in model.trainable_variables:
        if variable.shape.rank < 2:  # biases and the scale begin all alike
            variable.assign_add(generator.normal(size=variable.shape).astype("f") / 2)
    return model


@cache
def variant(name):
    """One of `VARIANTS`, and the ends that suit its answers; no test changes its weights."""
    model = make_model(VARIANTS[name])
    return model, make_ends(model, make_sources())


def make_sources(count=9, seed=3):
    generator = np.random.default_rng(seed)
    return [generator.integers(3, SRC_VOCAB, n, np.int32) for n in generator.integers(1, 8, count)]


def make_ends(model, sources):
    """A token that some of the answers hold is taken for their end: some end, some are cut off."""
    never = Ends(1, -1)
    answers = best_answers(NumpyModel(model), sources, [12] * len(sources), 0, never)
    later = np.concatenate([answer.ids[2:] for answer in answers])
    [end] = [token for token, _ in Counter(later.tolist()).most_common(1)]
    return Ends(1, end)


def search_in_tensorflow(model, sources, bounds, beam_width, ends):
    """Ids without the end, and log-probability, of the best hypothesis for each source."""
    ids, lengths = map(tf.constant, pad(sources))
    start = model.encode(ids, lengths)
    bounds = tf.constant(bounds, tf.int32)
    if beam_width:
        start = Start(*repeat_rows(start, beam_width))
        search = (model.step_fn(start.memory), SearchState(start.state), bounds, ends)
        found = beam_search(*search, BeamSettings(beam_width, 0.0, 0.0), None)
    else:
        found = greedy_search(model.step_fn(start.memory), SearchState(start.state), bounds, ends, None)
    lengths = found.lengths.numpy()[:, 0]
    return [
        (row[0, :n].tolist(), log_probs[0])
        for row, n, log_probs in zip(found.ids.numpy(), lengths, found.log_probs.numpy(), strict=True)
    ]


def assert_same(found, expected, bounds):
    for one, (ids, log_prob), bound in zip(found, expected, bounds, strict=True):
        assert one.ids == ids
        assert one.log_prob == pytest.approx(log_prob, rel=1e-4, abs=1e-4)
        assert one.scored_tokens == min(len(ids) + 1, bound)


def copies(model):
    """A copy for each way of making a model's steps that this machine has."""
    library = load_kernels()
    return [NumpyModel(model), *([CompiledModel(model, library)] if library else [])]


@pytest.mark.parametrize("beam_width", [0, 4])
@pytest.mark.parametrize("name", VARIANTS)
def test_same_answers_as_tensorflow(name, beam_width):
    (model, ends), sources = variant(name), make_sources()
    bounds = [2 + i for i in range(len(sources))]
    expected = search_in_tensorflow(model, sources, bounds, beam_width, ends)
    for copy in copies(model):
        found = best_answers(copy, sources, bounds, beam_width, ends)
        assert_same(found, expected, bounds)
    ended = {one.scored_tokens - len(one.ids) for one in found}
    assert ended == {0, 1} or (beam_width and 1 in ended)  # greedily found ones are cut off, too


def test_same_answers_with_pretrained_vectors():
    generator = np.random.default_rng(0)
    fixed = generator.normal(size=(SRC_VOCAB - 3, 5)).astype("f")
    places = np.array([0, 1, 2, *generator.permutation(np.arange(3, SRC_VOCAB))], np.int32)
    model, sources = make_model(PLAIN, Pretrained(source=Vectors(fixed, places))), make_sources()
    bounds = [8] * len(sources)
    found = best_answers(NumpyModel(model), sources, bounds, 0, ENDS)
    assert_same(found, search_in_tensorflow(model, sources, bounds, 0, ENDS), bounds)


@pytest.mark.parametrize("beam_width", [0, 3])
def test_many_at_once_give_what_each_gives_alone(beam_width):
    trained, sources = make_model(PLAIN), make_sources(count=40)
    ends = make_ends(trained, sources)
    for model in copies(trained):
        together = best_answers(model, sources, [10] * len(sources), beam_width, ends)
        for source, one in zip(sources, together, strict=True):
            [alone] = best_answers(model, [source], [10], beam_width, ends)
            assert (one.ids, one.scored_tokens) == (alone.ids, alone.scored_tokens)
            assert one.log_prob == pytest.approx(alone.log_prob, rel=1e-4)


def test_a_greedy_answer_that_fell_out_of_the_beam_does_not_win():
    sos, end, a, b, x, y, z, w = range(8)
    table = np.zeros((8, 8))
    table[sos, [a, b]] = 0.52, 0.48
    table[a, [x, y, w]] = 0.34, 0.33, 0.33  # a x, the greedy way, is at 0.177 when b y and b z are at 0.24
    table[b, [y, z]] = 0.5, 0.5
    table[x, end] = 1
    table[y, [end, a, b]] = 0.45, 0.3, 0.25
    table[z, [end, a, b]] = 0.2, 0.41, 0.39
    table[w, end] = 1
    for beam_width, ids, probability in ((0, [a, x], 0.52 * 0.34), (2, [b, y], 0.24 * 0.45), (3, [a, x], 0.52 * 0.34)):
        [found] = best_answers(Chain(table), [np.array([3], np.int32)], [6], beam_width, Ends(sos, end))
        assert found.ids == ids
        assert found.log_prob == pytest.approx(np.log(probability), rel=1e-5)


def test_an_ended_answer_that_fell_out_of_the_beam_does_not_win():
    sos, end, a, x, y, z = range(6)
    table = np.zeros((6, 6))
    table[sos, [a, end, z]] = 0.6, 0.25, 0.15
    table[a, [x, y, z]] = 0.5, 0.49, 0.01  # a x and a y, at 0.3 and 0.294, leave two beams no room for the empty one
    table[x, [end, z]] = table[y, [end, z]] = 0.66, 0.34
    table[z, end] = 1
    for beam_width, ids, probability in ((2, [a, x], 0.3 * 0.66), (3, [], 0.25)):
        [found] = best_answers(Chain(table), [np.array([3], np.int32)], [6], beam_width, Ends(sos, end))
        assert found.ids == ids
        assert found.log_prob == pytest.approx(np.log(probability), rel=1e-5)


def test_a_greedy_answer_is_no_bound_for_what_has_ended_before():
    sos, end, a, x, y, z = range(6)
    table = np.zeros((6, 6))
    table[sos, [a, end, z]] = 0.6, 0.3, 0.1  # the empty answer ends at once, and the greedy one reaches 0.6 * 0.4 * 0.9
    table[a, [x, y, z]] = 0.4, 0.35, 0.25
    table[x, [end, z]] = table[y, [end, z]] = 0.9, 0.1
    table[z, end] = 1
    [found] = best_answers(Chain(table), [np.array([3], np.int32)], [6], 3, Ends(sos, end))
    assert found.ids == []
    assert found.log_prob == pytest.approx(np.log(0.3), rel=1e-5)


@pytest.mark.parametrize("beam_width", [0, 1, 2, 5, 40])
def test_of_equally_likely_answers_the_one_of_the_lowest_tokens_is_found(beam_width):
    sos, end, count = 0, 1, 30
    table = np.zeros((count, count))
    table[sos, 2:] = 1 / (count - 2)
    table[2:, end] = table[2:, 4] = 0.5
    bounds = [1, 2, 3, 4]
    found = best_answers(Chain(table), [np.array([3], np.int32)] * 4, bounds, beam_width, Ends(sos, end))
    assert [one.ids for one in found] == [[2], [2], [2], [2]]
    assert [one.scored_tokens for one in found] == [1, 2, 2, 2]


def exhaustively(table, bound, beam_width, ends):
    """Beam search spelt out, over lists: the best that ends."""
    beams, best = [(0.0, [ends.sos_id], False)], None
    for step in range(1, bound + 1):
        grown = []
        for log_prob, ids, ended in beams:
            if ended:
                grown.append((log_prob, ids, True))
                continue
            for token, probability in enumerate(table[ids[-1]]):
                stops = token == ends.eos_id or step == bound
                grown.append((log_prob + np.log(max(probability, 1e-9)), [*ids, token], stops))
        beams = sorted(grown, key=lambda one: -one[0])[:beam_width]
        best = next((one for one in beams if one[2]), None)
        if all(one[2] for one in beams):
            break
    return best


@pytest.mark.parametrize("sharpness", [0.3, 1.0, 3.0])
def test_beams_that_are_left_out_would_not_have_won(sharpness):
    generator, ends = np.random.default_rng(7), Ends(0, 1)
    for _ in range(25):
        table = np.exp(sharpness * generator.normal(size=(24, 24)))
        table[:, 1] *= 3  # answers end now and then
        table /= table.sum(1, keepdims=True)
        for beam_width in (2, 4):
            [found] = best_answers(Chain(table), [np.array([3], np.int32)], [5], beam_width, ends)
            log_prob, ids, _ = exhaustively(table, 5, beam_width, ends)
            assert found.log_prob == pytest.approx(log_prob, rel=1e-4)
            assert found.ids == [token for token in ids[1:] if token != ends.eos_id]


def test_other_architectures_are_not_covered():
    for other in (
        replace(PLAIN, unit_type="gru"),
        replace(PLAIN, attention="bahdanau"),
        replace(PLAIN, attention=""),
        replace(PLAIN, attention_architecture="gnmt"),
    ):
        assert not covers(other)
        with pytest.raises(NmtError, match="LSTM layers with Luong's attention"):
            NumpyModel(Seq2Seq(other, SRC_VOCAB, TGT_VOCAB))


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_a_model_whose_weights_are_no_numbers_is_refused_before_it_answers(number):
    model = make_model(PLAIN)
    weights = model.projection.numpy()
    weights[3, 5] = number
    model.projection.assign(weights)
    with pytest.raises(NmtError, match="--learning_rate"):
        NumpyModel(model)


def test_searches_that_weigh_otherwise_are_not_covered():
    assert covers_search(PLAIN, tree=False)
    assert covers_search(replace(PLAIN, beam_width=3), tree=False)
    longer = replace(PLAIN, beam_width=3, length_penalty_weight=1.0)
    assert covers_search(longer, tree=True)
    for other in (
        longer,
        replace(PLAIN, beam_width=3, coverage_penalty_weight=0.2),
        replace(PLAIN, repetition_penalty=1.2),
        replace(PLAIN, no_repeat_ngram_size=2),
        replace(PLAIN, infer_mode="sample", sampling_temperature=1.0),
    ):
        assert not covers_search(other, tree=False)
