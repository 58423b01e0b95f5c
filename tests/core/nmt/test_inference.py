"""Answers from a model: in batches, from threads, from a directory that was moved."""

import math
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from core.nmt.checkpoints import Checkpoints, vocab_paths
from core.nmt.errors import NmtError
from core.nmt.hparams import HParams
from core.nmt.inference import Hypothesis, Translator, translate_file
from core.nmt.model import SearchState, Seq2Seq
from core.nmt.optimizers import SGD
from core.nmt.vocab import SPECIALS, Vocab

LETTERS = tuple("abcdefgh")
HPARAMS = HParams(
    num_units=8,
    num_layers=1,
    attention="luong",
    init_weight=1.5,
    tgt_max_len_infer=9,
    infer_batch_size=3,
    random_seed=4,
)


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory):
    """A model of random weights: it answers nonsense, but to each source its own."""
    directory = tmp_path_factory.mktemp("model")
    vocab = Vocab([*SPECIALS, *LETTERS])
    HPARAMS.save(directory)
    for path in vocab_paths(directory, HPARAMS):
        vocab.save(path)
    Checkpoints(directory, Seq2Seq(HPARAMS, len(vocab), len(vocab)), SGD()).save_best({"step": 0})
    return directory


@pytest.fixture(scope="module")
def translator(model_dir):
    return Translator(model_dir)


@pytest.fixture(scope="module")
def sources(pairs_maker):
    return [source for source, _ in pairs_maker(12, seed=3)]


def same(ours, theirs):
    assert [hypothesis.tokens for hypothesis in ours] == [hypothesis.tokens for hypothesis in theirs]
    assert [hypothesis.score for hypothesis in ours] == pytest.approx([h.score for h in theirs], rel=1e-4)


def test_a_batch_gives_what_its_sources_give_alone(translator, sources):
    together = translator.translate(sources)
    assert len({hypothesis.tokens for hypothesis in together}) > 6
    same(together, [translator.translate([source])[0] for source in sources])


def test_threads_share_a_translator(translator, sources):
    alone = translator.translate(sources)
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(translator.translate, [sources, sources[::-1]] * 4))
    for forward, backward in zip(results[::2], results[1::2], strict=True):
        same(forward, alone)
        same(backward[::-1], alone)


def test_a_score_is_the_mean_probability_of_a_token(translator, sources):
    for hypothesis in translator.translate(sources):
        assert 0 < hypothesis.score <= 1


def test_a_source_without_tokens_has_an_empty_answer(translator):
    empty = Hypothesis((), 0.0)
    assert translator.translate([]) == []
    assert translator.translate([[]]) == [empty]
    first, middle, last = translator.translate([["a"], [], ["b", "c"]])
    assert middle == empty
    same([first, last], [translator.translate([["a"]])[0], translator.translate([["b", "c"]])[0]])


def test_tokens_that_nobody_knows_are_answered_too(translator):
    [unknown], [unk] = translator.translate([["모름"]]), translator.translate([["<unk>"]])
    assert unknown == unk


def test_all_hypotheses_of_a_beam_are_given_the_best_first(model_dir, translator, sources):
    beam = Translator(model_dir, beam_width=4)
    found = beam.translate_n_best([*sources[:3], []])
    assert [len(hypotheses) for hypotheses in found] == [4, 4, 4, 0]
    for hypotheses in found[:3]:
        assert len({hypothesis.tokens for hypothesis in hypotheses}) == 4
    same(beam.translate(sources[:3]), [hypotheses[0] for hypotheses in found[:3]])
    assert [len(h) for h in translator.translate_n_best(sources[:3])] == [1, 1, 1]


def test_a_beam_width_of_0_is_greedy_whatever_the_model_says(model_dir, tmp_path, translator, sources):
    copy = tmp_path / "beams"
    shutil.copytree(model_dir, copy)
    replace(HPARAMS, infer_mode="beam_search", beam_width=3).save(copy)
    same(Translator(copy, beam_width=0).translate(sources), translator.translate(sources))
    assert [len(h) for h in Translator(copy).translate_n_best(sources[:1])] == [3]


def test_a_beam_width_below_0_is_refused(model_dir):
    with pytest.raises(NmtError, match="--beam_width=-1"):
        Translator(model_dir, beam_width=-1)


def test_warming_up_compiles_what_is_used_later(model_dir, sources):
    fresh = Translator(model_dir)
    fresh.warm_up()
    fresh.translate(sources)
    assert fresh._decoder._search.experimental_get_tracing_count() == 1


def test_a_moved_model_answers_as_before(model_dir, tmp_path, translator, sources):
    first, second = tmp_path / "first", tmp_path / "second" / "model"
    shutil.copytree(model_dir, first)
    second.parent.mkdir()
    first.rename(second)
    same(Translator(second).translate(sources), translator.translate(sources))


def test_a_model_that_is_not_there_or_damaged_is_an_nmt_error(model_dir, tmp_path):
    with pytest.raises(NmtError, match="no model in"):
        Translator(tmp_path / "nowhere")
    copy = tmp_path / "copy"
    shutil.copytree(model_dir, copy)
    data = copy / "best" / "weights.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:100])
    with pytest.raises(NmtError, match="damaged"):
        Translator(copy)


def test_a_file_has_one_answer_a_line(model_dir, translator, sources, tmp_path):
    source_file, answer_file = tmp_path / "in", tmp_path / "out"
    source_file.write_text("".join(" ".join(source) + "\n\n" for source in sources), encoding="utf-8")
    assert translate_file(model_dir, source_file, answer_file, HPARAMS) == 2 * len(sources)
    lines = answer_file.read_text(encoding="utf-8").split("\n")
    assert lines[1::2] == [""] * len(sources)
    assert lines[0:-1:2] == [" ".join(answer.tokens) for answer in translator.translate(sources)]


def test_an_empty_file_has_no_answers(model_dir, tmp_path):
    (tmp_path / "in").write_text("", encoding="utf-8")
    assert translate_file(model_dir, tmp_path / "in", tmp_path / "out", HPARAMS) == 0
    assert (tmp_path / "out").read_bytes() == b""


def test_the_score_counts_the_end_of_the_answer(translator):
    """exp of the mean of the log-probabilities that teacher forcing gives the same tokens."""
    model = translator._decoder._model
    for source in (["a", "b"], ["c"], ["h", "g", "a"]):
        [hypothesis] = translator.translate([source])
        ids = [*translator.tgt_vocab.ids(hypothesis.tokens), 2][:9]
        start = model.encode(tf.constant(translator.src_vocab.ids(source)[np.newaxis]), tf.constant([len(source)]))
        step, state, total, fed = model.step_fn(start.memory), SearchState(start.state), 0.0, 1
        for token in ids:
            log_probs, state = step(tf.constant([fed]), state)
            total, fed = total + float(log_probs[0, token]), token
        assert hypothesis.score == pytest.approx(math.exp(total / len(ids)), rel=1e-4)
