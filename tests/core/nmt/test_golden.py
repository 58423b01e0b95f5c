"""Models that the original trained answer and score here exactly as they did there: see `golden/README.md`."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.nmt.__main__ import main
from core.nmt.checkpoints import load_model
from core.nmt.configuration import configure
from core.nmt.dataset import read_corpus
from core.nmt.errors import NmtError
from core.nmt.evaluation import Evaluator
from core.nmt.flags import parse
from core.nmt.importing import import_original
from core.nmt.inference import FileTask, answer_file

GOLDEN = Path(__file__).parent / "golden"
ROOT = Path(__file__).resolve().parents[3]
MODELS = sorted(path.parent.name for path in GOLDEN.glob("*/hparams"))
BEAM = ("--infer_mode=beam_search", "--beam_width=4")
DECODINGS = {
    "greedy": ("--infer_mode=greedy",),
    "beam": (*BEAM, "--num_translations_per_input=4"),
    "length_penalty": (*BEAM, "--num_translations_per_input=4", "--length_penalty_weight=1"),
    "coverage_penalty": (
        *BEAM,
        "--num_translations_per_input=2",
        "--length_penalty_weight=0.6",
        "--coverage_penalty_weight=0.4",
    ),
}
FILES = [(model, name) for model in MODELS for name in DECODINGS if (GOLDEN / model / f"{name}.txt").exists()]


def answers(model_dir, flags, out):
    """What our command line writes for the questions, with these flags and those that the original was given."""
    kept = GOLDEN / model_dir.name / "flags"
    given = kept.read_text(encoding="utf-8").split() if kept.exists() else []
    source = GOLDEN / "data" / "infer.src"
    argv = [f"--out_dir={model_dir}", f"--inference_input_file={source}", f"--inference_output_file={out}"]
    answer_file(model_dir, FileTask(source, out), configure(parse([*argv, *flags, *given])).hparams)
    return out.read_text(encoding="utf-8")


def expected(model, name):
    return (GOLDEN / model / f"{name}.txt").read_text(encoding="utf-8")


def contents(directory):
    """All files with their bytes."""
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_there_is_a_model_of_every_kind():
    hparams = [json.loads((GOLDEN / model / "hparams").read_text(encoding="utf-8")) for model in MODELS]
    assert {values["unit_type"] for values in hparams} == {"lstm", "gru", "layer_norm_lstm", "nas"}
    assert {values["encoder_type"] for values in hparams} == {"uni", "bi", "gnmt"}
    assert {values["attention_architecture"] for values in hparams} >= {"standard", "gnmt", "gnmt_v2"}
    assert {values["attention"] for values in hparams} == {
        "",
        "luong",
        "scaled_luong",
        "bahdanau",
        "normed_bahdanau",
    }


@pytest.mark.slow
@pytest.mark.parametrize(("model", "name"), FILES)
def test_answers_are_those_of_the_original_word_for_word(model, name, tmp_path):
    assert answers(GOLDEN / model, DECODINGS[name], tmp_path / "answers") == expected(model, name)


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_scores_are_those_of_the_original(model):
    theirs = json.loads((GOLDEN / model / "scores.json").read_text(encoding="utf-8"))
    seq2seq, *vocabs = load_model(GOLDEN / model)
    corpus = read_corpus(GOLDEN / "data" / "dev", seq2seq.hparams, *vocabs, training=False)
    ours = Evaluator(seq2seq, vocabs[1]).scores(corpus)
    assert ours == pytest.approx(theirs["exact"], rel=2e-6)
    assert {name: round(ours[name], 2 if name == "ppl" else 1) for name in ours} == theirs["dev"]


@pytest.mark.slow
def test_scores_are_printed_as_the_original_prints_them(capsys):
    before = contents(GOLDEN)
    assert main([f"--out_dir={GOLDEN / 'gnmt'}", f"--dev_prefix={GOLDEN / 'data' / 'dev'}"]) == 0
    printed = "dev ppl 5.53, dev bleu 0.0, dev rouge 41.4, dev accuracy 0.0, dev word_accuracy 24.8\n"
    assert capsys.readouterr().out.endswith(printed)
    assert contents(GOLDEN) == before


@pytest.mark.slow
@pytest.mark.parametrize("model", ["scaled_luong_adam", "vectors_bare_vocab", "language_model"])
def test_an_imported_model_answers_as_the_original_and_leaves_it_as_it_is(model, tmp_path):
    before = contents(GOLDEN)
    out = tmp_path / model
    command = [sys.executable, ROOT / "bin" / "import_nmt", GOLDEN / model, out]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.endswith(f"{out}: the model of step 200\n")
    assert answers(out, DECODINGS["beam"], tmp_path / "answers") == expected(model, "beam")
    assert contents(GOLDEN) == before


@pytest.mark.slow
def test_training_goes_on_from_a_model_of_the_original_where_it_lies(tmp_path):
    shutil.copytree(GOLDEN, tmp_path / "golden")
    model, data = tmp_path / "golden" / "scaled_luong_adam", tmp_path / "golden" / "data"
    before = contents(model)
    prefixes = [f"--{name}_prefix={data}/{name}" for name in ("train", "dev", "vocab")]
    command = [sys.executable, "-m", "core.nmt", f"--out_dir={model}", *prefixes, "--num_train_steps=203"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    # The original's own perplexity on what it was trained on is 5.1 on dev; from random weights it would be near 38.
    assert "step 203/203" in result.stdout
    assert json.loads((model / "best" / "best.json").read_text(encoding="utf-8"))["dev_ppl"] < 6
    after = contents(model)
    assert {path: after[path] for path in before} == before


@pytest.mark.slow
def test_the_console_answers_with_a_model_of_the_original():
    command = [sys.executable, ROOT / "chat.py", f"--out_dir={GOLDEN / 'scaled_luong_adam'}", "--analyser=mecab"]
    result = subprocess.run(command, input="산 강\n", capture_output=True, text=True, check=True)
    assert len(result.stdout.splitlines()) == 1
    assert result.stdout.strip()


def test_an_import_never_overwrites_a_model(tmp_path):
    (tmp_path / "hparams.json").write_text("{}", encoding="utf-8")
    with pytest.raises(NmtError, match="already: give another directory"):
        import_original(GOLDEN / "gnmt", tmp_path)
