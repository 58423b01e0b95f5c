"""A compiled model's steps, held to those of NumPy over the same weights."""

import gc
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from core.nmt.compiled_model import CompiledLogits, CompiledModel, quick_model
from core.nmt.dataset import pad
from core.nmt.errors import NmtError
from core.nmt.hparams import HParams
from core.nmt.kernels import DecoderStruct, StackStruct, address, load_kernels, pack
from core.nmt.model import Seq2Seq
from core.nmt.numpy_logits import Hypotheses, Logits
from core.nmt.numpy_model import NumpyModel
from core.nmt.numpy_search import best_answers
from core.nmt.numpy_tree_search import known_n_best
from core.nmt.search import Ends
from core.nmt.target_tree import TargetTree
from tests.core.nmt.random_sentences import variants

ENDS = Ends(1, 2)
VOCAB = 90
PLAIN = HParams(num_units=32, num_layers=3, attention="scaled_luong", init_weight=0.6)
VARIANTS = variants(PLAIN)

library = load_kernels()
pytestmark = pytest.mark.skipif(library is None, reason="there is no C compiler")


@cache
def make_models(name):
    """The same weights in NumPy and compiled."""
    model = Seq2Seq(VARIANTS[name], VOCAB, VOCAB)
    generator = np.random.default_rng(5)
    for variable in model.trainable_variables:
        if variable.shape.rank < 2:  # biases and the scale begin all alike
            variable.assign_add(generator.normal(size=variable.shape).astype("f") / 2)
    return NumpyModel(model), CompiledModel(model, library)


def make_sources(count):
    generator = np.random.default_rng(count)
    lengths = sorted(generator.integers(1, 9, count), reverse=True)
    return [generator.integers(3, VOCAB, n, np.int32) for n in lengths]


def compiled_logits(projection, rows):
    units, size = projection.shape
    packed = pack(projection)
    decoder = DecoderStruct(StackStruct(1, units), True, size, None, address(packed))
    decoder.kept = packed
    return CompiledLogits(library, decoder, rows)


@pytest.mark.parametrize("name", VARIANTS)
def test_states_and_scores_are_those_of_numpy(name):
    slow, quick = make_models(name)
    ids, lengths = pad(make_sources(7))
    (state, memory), (own_state, own_memory) = (model.encode(ids, lengths.astype(int)) for model in (slow, quick))
    np.testing.assert_allclose(own_state, state, atol=1e-5)
    real = np.arange(ids.shape[1]) < lengths[:, np.newaxis]
    np.testing.assert_allclose(own_memory.tokens[real], memory.tokens[real], atol=1e-4)
    owners = np.repeat(np.arange(7), [1, 12, 3, 9, 30, 0, 14])  # more than a step's gates are worked out for at once
    state, own_state = state[owners], own_state[owners]
    generator = np.random.default_rng(2)
    for _ in range(3):
        tokens = generator.integers(0, VOCAB, len(owners))
        vectors = slow.step(tokens, state, memory, owners)
        own_vectors = quick.step(tokens, own_state, own_memory, owners)
        np.testing.assert_allclose(own_vectors, vectors, atol=2e-5)
        np.testing.assert_allclose(own_state, state, atol=2e-5)


@pytest.mark.parametrize("beam_width", [0, 5])
@pytest.mark.parametrize("name", VARIANTS)
def test_answers_are_those_of_numpy(name, beam_width):
    slow, quick = make_models(name)
    sources = make_sources(14 if beam_width else 35)  # NumPy takes its time for some hundred rows
    searches = [best_answers(model, sources, [9] * len(sources), beam_width, ENDS) for model in (slow, quick)]
    for one, own in zip(*searches, strict=True):
        assert (own.ids, own.scored_tokens) == (one.ids, one.scored_tokens)
        assert own.log_prob == pytest.approx(one.log_prob, abs=1e-4)


def test_known_answers_are_those_of_numpy():
    slow, quick = make_models("scaled_luong")
    sources, generator = make_sources(12), np.random.default_rng(8)
    known = [generator.integers(3, 12, generator.integers(1, 6)).tolist() for _ in range(80)]
    tree = TargetTree(known, ENDS.eos_id)
    for ones, owns in zip(*(known_n_best(m, tree, sources, 3, (5, 32), ENDS) for m in (slow, quick)), strict=True):
        assert [own.ids for own in owns] == [one.ids for one in ones]


def test_an_answer_is_the_same_to_the_last_bit_whatever_is_asked_beside_it():
    _, model = make_models("scaled_luong")
    sources = make_sources(40)
    together = best_answers(model, sources, [9] * 40, 0, ENDS)
    assert [best_answers(model, [source], [9], 0, ENDS)[0] for source in sources] == together


@pytest.mark.parametrize("beam_width", [0, 4])
def test_threads_share_a_model_while_others_come_and_go(beam_width):
    _, model = make_models("scaled_luong")
    sources = make_sources(12)
    expected = best_answers(model, sources, [9] * 12, beam_width, ENDS)
    with ThreadPoolExecutor(5) as pool:
        asked = [pool.submit(best_answers, model, sources, [9] * 12, beam_width, ENDS) for _ in range(20)]
        for _ in range(2):
            passing = CompiledModel(Seq2Seq(PLAIN, VOCAB, VOCAB), library)
            others = [pool.submit(best_answers, passing, sources, [9] * 12, beam_width, ENDS) for _ in range(4)]
            del passing
            assert len({str(answers.result()) for answers in others}) == 1
            gc.collect()
        assert all(answers.result() == expected for answers in asked)


@pytest.mark.parametrize("size", [1.0, 400.0])
def test_scores_of_small_and_of_huge_logits(size):
    generator = np.random.default_rng(1)
    projection = (generator.normal(size=(16, 301)) * size).astype("f")  # the last panel and the last vector have gaps
    slow, quick = Logits(projection, 50), compiled_logits(projection, 50)
    for count in (*range(1, 14), 50):
        vectors = generator.normal(size=(count, 16)).astype("f")
        expected, found = slow.scores(vectors), quick.scores(vectors)
        np.testing.assert_allclose(found.logits, expected.logits, rtol=1e-5, atol=1e-5 * size)
        np.testing.assert_allclose(found.log_sums, expected.log_sums, rtol=1e-5, atol=1e-5 * size)
        tokens, log_probs = quick.likeliest(vectors)
        np.testing.assert_array_equal(tokens, expected.logits.argmax(1))
        np.testing.assert_allclose(log_probs, slow.likeliest(vectors)[1], rtol=1e-5, atol=1e-5 * size)


@pytest.mark.parametrize("width", [1, 3, 20])
def test_the_best_continuations_are_those_of_numpy(width):
    generator = np.random.default_rng(width)
    whole = generator.integers(-3, 4, (16, 301)).astype("f")  # whole numbers, so that many logits are equal
    slow, quick = Logits(whole, 40), compiled_logits(whole, 40)
    for owners in ([0], [0, 0, 2, 2, 2, 5], np.sort(generator.integers(0, 8, 40))):
        vectors = generator.integers(-1, 2, (len(owners), 16)).astype("f")
        least = np.where(generator.random(8) < 0.5, -np.inf, -4).astype("f")
        np.testing.assert_array_equal(quick.likeliest(vectors)[0], slow.likeliest(vectors)[0])
        found = []
        for room in (slow, quick):
            # What is taken off again, so that both ways' log-probabilities are whole numbers, and as many equal.
            log_probs = room.scores(vectors).log_sums - (np.arange(len(owners)) % 4).astype("f")
            found.append(room.best(vectors, Hypotheses(np.array(owners), log_probs), least, width))
        expected, own = found
        np.testing.assert_array_equal(own.parents, expected.parents)
        np.testing.assert_array_equal(own.tokens, expected.tokens)
        np.testing.assert_allclose(own.log_probs, expected.log_probs, atol=1e-5)


def test_gates_as_large_as_they_come_are_no_numbers_that_are_none():
    model = Seq2Seq(replace(PLAIN, init_weight=60.0), VOCAB, VOCAB)
    answers = best_answers(CompiledModel(model, library), make_sources(9), [9] * 9, 3, ENDS)
    assert np.isfinite([answer.log_prob for answer in answers]).all()


def test_products_of_any_number_of_rows():
    generator = np.random.default_rng(0)
    kernel = generator.normal(size=(24, 112)).astype("f")
    packed = pack(kernel)
    for count in range(1, 26):
        rows, out = generator.normal(size=(count, 24)).astype("f"), np.ones((count, 112), "f")
        library.nmt_product(count, 24, 7, rows.ctypes.data, 24, packed.ctypes.data, out.ctypes.data, 112, True)
        np.testing.assert_allclose(out, 1 + rows @ kernel, rtol=1e-5, atol=1e-5)


def test_units_that_fill_no_panel_are_left_to_numpy():
    model = Seq2Seq(replace(PLAIN, num_units=24), VOCAB, VOCAB)
    assert type(quick_model(model)) is NumpyModel
    with pytest.raises(NmtError, match="16 divides"):
        CompiledModel(model, library)
    assert type(quick_model(Seq2Seq(PLAIN, VOCAB, VOCAB))) is CompiledModel


def test_without_a_compiler_numpy_answers(monkeypatch):
    monkeypatch.setenv("CC", "")
    assert type(quick_model(Seq2Seq(PLAIN, VOCAB, VOCAB))) is NumpyModel


def test_room_is_made_for_more_rows_than_were_expected():
    generator = np.random.default_rng(3)
    projection, vectors = generator.normal(size=(16, 301)).astype("f"), generator.normal(size=(20, 16)).astype("f")
    narrow, wide = (compiled_logits(projection, rows) for rows in (1, 20))
    hypotheses, least = Hypotheses(np.arange(20), np.zeros(20, "f")), np.full(20, -np.inf, "f")
    for found, expected in zip(narrow.likeliest(vectors), wide.likeliest(vectors), strict=True):
        np.testing.assert_array_equal(found, expected)
    narrow = compiled_logits(projection, 1)
    grown = (room.best(vectors, hypotheses, least, 3) for room in (narrow, wide))
    for found, expected in zip(*grown, strict=True):
        np.testing.assert_array_equal(found, expected)
    assert len(narrow._room) < len(vectors)


def test_room_outlives_the_model_that_it_was_asked_of():
    model = CompiledModel(Seq2Seq(PLAIN, VOCAB, VOCAB), library)
    vectors = np.random.default_rng(4).normal(size=(3, PLAIN.num_units)).astype("f")
    room, expected = model.room(3), model.room(3).likeliest(vectors)
    size = pack(np.zeros((PLAIN.num_units, VOCAB), "f")).size
    del model
    gc.collect()
    # They would lie where the weights lay, had those gone with the model.
    others = [np.full(size + 16, np.nan, "f") for _ in range(50)]
    for found, value in zip(room.likeliest(vectors), expected, strict=True):
        np.testing.assert_array_equal(found, value)
    del others


@pytest.mark.parametrize("make", [NumpyModel, lambda model: CompiledModel(model, library)], ids=["numpy", "compiled"])
def test_every_weight_is_held_once(make):
    units, layers, vocab = 128, 4, 512
    ways, size = 2, 2 * units  # of the encoder's outputs
    model = Seq2Seq(replace(PLAIN, num_units=units, num_layers=layers, encoder_type="bi"), vocab, vocab)
    make(model)  # what is made but once is no part of it
    gc.collect()
    tracemalloc.start()
    try:
        copy = make(model)
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    gates = 4 * units
    stack = vocab * gates + units * gates + (layers // ways - 1) * 2 * units * gates  # a table, then kernels
    decoder = vocab * gates + layers * 2 * units * gates + units * units + size * 2 * units + units * vocab
    needed = 4 * (ways * stack + decoder)
    assert needed < held < 1.02 * needed
    assert copy.units == units


@pytest.mark.parametrize("strange", [-1, VOCAB, 2**31 - 1])
def test_ids_beyond_the_vocabulary_are_not_looked_up(strange):
    _, model = make_models("scaled_luong")
    ids, lengths = pad([np.array([5, 4], np.int32), np.array([3], np.int32)])
    state, memory = model.encode(ids, lengths.astype(int))
    owners = np.arange(2)
    with pytest.raises(IndexError, match="vocabulary"):
        model.step(np.array([3, strange]), state, memory, owners)
    with pytest.raises(IndexError, match="vocabulary"):
        model.search_greedily(owners, np.array([3, 3]), state, memory, Ends(strange, 2))
    with pytest.raises(IndexError, match="vocabulary"):
        model.encode(np.array([[strange, 4]], np.int32), np.array([2]))
