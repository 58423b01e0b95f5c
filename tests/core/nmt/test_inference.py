"""Answers from a model: in batches, from threads, from a directory that was moved."""

import json
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
from core.nmt.hparams_file import save_hparams
from core.nmt.inference import FileTask, Hypothesis, Translator, answer_file, score_file
from core.nmt.jobs import Job
from core.nmt.model import SearchState, Seq2Seq
from core.nmt.optimizers import SGD
from core.nmt.original_model import Places
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
    save_hparams(HPARAMS, directory)
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


def test_with_known_targets_a_translator_says_nothing_else(model_dir, sources, tmp_path):
    shutil.copytree(model_dir, tmp_path / "model")
    hparams = replace(HPARAMS, known_targets=True)
    (tmp_path / "model/known.rep").write_text("a b c\nd\n", encoding="utf-8")
    known = Translator(tmp_path / "model", hparams=hparams)
    assert {hypothesis.tokens for hypothesis in known.translate(sources)} <= {("a", "b", "c"), ("d",)}


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


@pytest.mark.usefixtures("eagerly")
def test_all_hypotheses_of_a_beam_are_given_the_best_first(model_dir, translator, sources):
    beam = Translator(model_dir, beam_width=4)
    found = beam.translate_n_best([*sources[:3], []])
    assert [len(hypotheses) for hypotheses in found] == [4, 4, 4, 0]
    for hypotheses in found[:3]:
        assert len({hypothesis.tokens for hypothesis in hypotheses}) == 4
    same(beam.translate(sources[:3]), [hypotheses[0] for hypotheses in found[:3]])
    assert [len(h) for h in translator.translate_n_best(sources[:3])] == [1, 1, 1]


@pytest.mark.usefixtures("eagerly")
def test_a_beam_width_of_0_is_greedy_whatever_the_model_says(model_dir, tmp_path, translator, sources):
    copy = tmp_path / "beams"
    shutil.copytree(model_dir, copy)
    save_hparams(replace(HPARAMS, infer_mode="beam_search", beam_width=3), copy)
    same(Translator(copy, beam_width=0).translate(sources), translator.translate(sources))
    assert [len(h) for h in Translator(copy).translate_n_best(sources[:1])] == [3]


def test_a_beam_width_below_0_is_refused(model_dir):
    with pytest.raises(NmtError, match="--beam_width=-1"):
        Translator(model_dir, beam_width=-1)


def test_warming_up_compiles_what_is_used_later_and_nothing_else(model_dir, sources):
    for hparams, compiled in ((HPARAMS, 0), (replace(HPARAMS, no_repeat_ngram_size=9), 1)):
        fresh = Translator(model_dir, hparams=hparams)
        fresh.warm_up()
        assert fresh._decoder._search.experimental_get_tracing_count() == compiled
        fresh.translate(sources)
        assert fresh._decoder._search.experimental_get_tracing_count() == compiled


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


@pytest.mark.usefixtures("eagerly")
def test_a_file_has_one_answer_a_line(model_dir, translator, sources, tmp_path):
    source_file, target_file = tmp_path / "in", tmp_path / "out"
    hparams = replace(HPARAMS, infer_batch_size=8)
    source_file.write_text("".join(" ".join(source) + "\n\n" for source in sources), encoding="utf-8")
    assert answer_file(model_dir, FileTask(source_file, target_file), hparams).lines == 2 * len(sources)
    lines = target_file.read_text(encoding="utf-8").split("\n")
    assert lines[1::2] == [""] * len(sources)
    assert lines[0:-1:2] == [" ".join(answer.tokens) for answer in translator.translate(sources)]


def test_an_empty_file_has_no_answers(model_dir, tmp_path):
    (tmp_path / "in").write_text("", encoding="utf-8")
    assert answer_file(model_dir, FileTask(tmp_path / "in", tmp_path / "out"), HPARAMS).lines == 0
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


@pytest.fixture(scope="module")
def input_file(sources, tmp_path_factory):
    path = tmp_path_factory.mktemp("input") / "in"
    path.write_text("".join(" ".join(source) + "\n" for source in sources), encoding="utf-8")
    return path


def lines_of(path):
    return path.read_text(encoding="utf-8").split("\n")[:-1]


BEAMS = replace(HPARAMS, infer_mode="beam_search", beam_width=3, num_translations_per_input=2, tgt_max_len_infer=None)


@pytest.fixture(scope="module")
def beam_files(model_dir, input_file, tmp_path_factory):
    """What one process writes."""
    directory = tmp_path_factory.mktemp("beams")
    task = FileTask(input_file, directory / "out", directory / "nbest", directory / "looked")
    told = []
    tf.config.run_functions_eagerly(True)
    try:
        result = answer_file(model_dir, task, BEAMS, lambda done, total: told.append((done, total)))
    finally:
        tf.config.run_functions_eagerly(False)
    assert told == [(3, 12), (6, 12), (9, 12), (12, 12)]
    assert (result.answered, result.lines) == (12, 12)
    assert result.answers == lines_of(directory / "out")[::2]
    return directory


def test_a_file_has_the_best_hypotheses_of_each_line_and_all_of_them_in_json(beam_files, model_dir, sources):
    written, nbest = lines_of(beam_files / "out"), [json.loads(line) for line in lines_of(beam_files / "nbest")]
    assert len(written) == 24
    for number, (source, found) in enumerate(zip(sources, nbest, strict=True)):
        assert (found["line"], found["source"]) == (number, " ".join(source))
        texts = [hypothesis["text"] for hypothesis in found["hypotheses"]]
        assert len(texts) == 3
        assert texts[:2] == written[2 * number : 2 * number + 2]
        scores = [hypothesis["score"] for hypothesis in found["hypotheses"]]
        assert scores == sorted(scores, reverse=True)
    looked = [json.loads(line) for line in lines_of(beam_files / "looked")]
    assert [" ".join(pair["target"]) for pair in looked] == written
    for pair in looked:
        assert len(pair["weights"]) == len(pair["target"])
        assert all(
            sum(row) == pytest.approx(1, abs=1e-3) and len(row) == len(pair["source"]) for row in pair["weights"]
        )


@pytest.mark.slow
@pytest.mark.usefixtures("eagerly")
def test_jobs_write_what_one_process_writes(beam_files, model_dir, input_file, tmp_path):
    for number in (1, 2, 0):
        files = [tmp_path / name for name in ("out", "nbest", "looked")]
        result = answer_file(model_dir, FileTask(input_file, *files, job=Job(number, 3)), BEAMS)
        assert (result.answers is None) == (number != 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["looked", "nbest", "out"]
    assert result.answers == lines_of(beam_files / "out")[::2]
    for name in ("out", "nbest", "looked"):
        assert (tmp_path / name).read_bytes() == (beam_files / name).read_bytes()


@pytest.mark.slow
@pytest.mark.usefixtures("eagerly")
def test_chosen_lines_are_answered_in_the_order_given_each_alone(model_dir, input_file, sources, tmp_path):
    unbounded = replace(HPARAMS, tgt_max_len_infer=None)
    result = answer_file(model_dir, FileTask(input_file, tmp_path / "out", lines=(7, 2, 7)), unbounded)
    assert result.answers == lines_of(tmp_path / "out")
    for number, answer in zip((7, 2, 7), result.answers, strict=True):
        (tmp_path / "one").write_text(" ".join(sources[number]) + "\n", encoding="utf-8")
        answer_file(model_dir, FileTask(tmp_path / "one", tmp_path / "alone"), unbounded)
        assert lines_of(tmp_path / "alone") == [answer]
    with pytest.raises(NmtError, match=r"names line 12, but .* ends with line 11"):
        answer_file(model_dir, FileTask(input_file, tmp_path / "out", lines=(12,)), HPARAMS)
    with pytest.raises(NmtError, match="leave out --num_workers"):
        answer_file(model_dir, FileTask(input_file, tmp_path / "out", lines=(1,), job=Job(0, 2)), HPARAMS)


def test_a_file_that_is_named_for_two_kinds_of_output_stays_as_it_is(model_dir, input_file, tmp_path):
    (tmp_path / "out").write_text("old\n", encoding="utf-8")
    for twice in (tmp_path / "out", tmp_path / ".." / tmp_path.name / "out"):
        with pytest.raises(NmtError, match="need a file each"):
            answer_file(model_dir, FileTask(input_file, tmp_path / "out", twice), HPARAMS)
    assert lines_of(tmp_path / "out") == ["old"]


@pytest.mark.usefixtures("eagerly")
def test_answers_are_scored_against_a_reference(model_dir, input_file, tmp_path):
    hparams = replace(HPARAMS, metrics="accuracy,bleu", infer_batch_size=12)
    task = FileTask(input_file, tmp_path / "out")
    result = answer_file(model_dir, task, hparams)
    references = ["nothing", *lines_of(tmp_path / "out")[1:]]
    (tmp_path / "ref").write_text("".join(f"{line}\n" for line in references), encoding="utf-8")
    assert score_file(result, task, tmp_path / "ref", hparams)["accuracy"] == pytest.approx(100 * 11 / 12)
    chosen = FileTask(input_file, tmp_path / "some", lines=(0, 5))
    result = answer_file(model_dir, chosen, hparams)
    assert score_file(result, chosen, tmp_path / "ref", hparams)["accuracy"] == pytest.approx(50)
    (tmp_path / "ref").write_text("one\n", encoding="utf-8")
    with pytest.raises(NmtError, match="2 answers can't be scored against 1"):
        score_file(result, chosen, tmp_path / "ref", hparams)


@pytest.mark.slow
@pytest.mark.usefixtures("eagerly")
def test_samples_of_a_file_are_as_many_as_asked_and_the_same_again(model_dir, input_file, tmp_path):
    hparams = replace(HPARAMS, infer_mode="sample", sampling_temperature=1.0, num_translations_per_input=3)
    for name, batch_size in (("first", 3), ("again", 5)):
        answer_file(model_dir, FileTask(input_file, tmp_path / name), replace(hparams, infer_batch_size=batch_size))
    assert len(lines_of(tmp_path / "first")) == 36
    assert lines_of(tmp_path / "first") == lines_of(tmp_path / "again")


@pytest.mark.slow
@pytest.mark.usefixtures("eagerly")
def test_another_checkpoint_than_the_served_one_answers_when_named(model_dir, sources, tmp_path):
    """The weights alone, as they are served, or what training goes on from."""
    vocab = Vocab([*SPECIALS, *LETTERS])
    model = Seq2Seq(replace(HPARAMS, random_seed=9), len(vocab), len(vocab))
    other = shutil.copytree(model_dir, tmp_path / "other")
    checkpoints = Checkpoints(other, model, SGD())
    checkpoints.save_best({"step": 5})
    checkpoints.save(5)
    expected = Translator(other).translate(sources)
    assert [answer.tokens for answer in expected] != [
        answer.tokens for answer in Translator(model_dir).translate(sources)
    ]
    for ckpt in (other / "best" / "weights", other / "ckpt" / "ckpt-5"):
        same(Translator(model_dir, places=Places(ckpt)).translate(sources), expected)
    with pytest.raises(NmtError, match=r"no checkpoint .*ckpt-6: --ckpt is"):
        Translator(model_dir, places=Places(other / "ckpt" / "ckpt-6"))
