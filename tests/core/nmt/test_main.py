"""python -m core.nmt: what it does, and that a mistake is one line and exit code 2."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.nmt.__main__ import main
from core.nmt.hparams import HParams
from core.nmt.hparams_file import load_hparams, save_hparams
from core.nmt.pace import Pace

ROOT = Path(__file__).resolve().parents[3]


def training_flags(corpus, out_dir, *more):
    """The README's command line, made small; `more` wins."""
    return [
        "--attention=scaled_luong",
        "--src=req",
        "--tgt=rep",
        f"--vocab_prefix={corpus / 'vocab'}",
        f"--train_prefix={corpus / 'train'}",
        f"--dev_prefix={corpus / 'test'}",
        f"--test_prefix={corpus / 'test'}",
        f"--out_dir={out_dir}",
        "--num_train_steps=2",
        "--steps_per_stats=1",
        "--num_layers=1",
        "--num_units=4",
        "--dropout=0.2",
        "--metrics=bleu",
        *more,
    ]


@pytest.fixture(scope="module")
def trained(corpus_dir, tmp_path_factory):
    """A model's directory and the progress file of its training."""
    directory = tmp_path_factory.mktemp("trained")
    progress = directory / "progress.jsonl"
    assert main(training_flags(corpus_dir, directory / "model", f"--progress_file={progress}")) == 0
    return directory / "model", progress


@pytest.fixture
def corpus(corpus_dir, tmp_path):
    """A copy of the corpus that a test may spoil."""
    return shutil.copytree(corpus_dir, tmp_path / "corpus")


@pytest.fixture
def fails(capsys):
    """Run a command that can't work; the line that it says."""

    def run(argv):
        assert main(argv) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith("core.nmt: ")
        assert said.err.count("\n") == 1
        assert said.err.endswith("\n")
        return said.err

    return run


@pytest.mark.slow
def test_training_writes_its_progress_as_json_lines(trained):
    lines = [json.loads(line) for line in trained[1].read_text(encoding="utf-8").splitlines()]
    assert [(line["phase"], line["step"], line["total"]) for line in lines] == [
        ("train", 1, 2),
        ("train", 2, 2),
        ("evaluate", 2, 2),
        ("done", 2, 2),
    ]
    assert {"loss", "ppl", "wps", "eta_s"} <= set(lines[0])
    assert {"dev_bleu", "dev_ppl"} <= set(lines[2])
    assert {"test_bleu", "test_ppl"} <= set(lines[3])


@pytest.mark.slow
def test_training_says_what_it_does_and_goes_on_with_what_is_there(trained, corpus_dir, capsys, tmp_path):
    model = shutil.copytree(trained[0], tmp_path / "model")
    assert main(training_flags(corpus_dir, model, "--num_train_steps=3")) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert [line.split(" ")[:3] for line in said.out.splitlines()] == [
        ["train", "step", "3/3"],
        ["evaluate", "step", "3/3"],
        ["done", "step", "3/3"],
    ]
    assert load_hparams(model).num_train_steps == 3


@pytest.mark.slow
def test_a_model_learns_on_as_it_began_unless_told_to_override(trained, corpus_dir, capsys, tmp_path):
    model = shutil.copytree(trained[0], tmp_path / "model")
    assert main(training_flags(corpus_dir, model, "--num_train_steps=3", "--learning_rate=0.5", "--scope=x")) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "--scope has no effect: weights are named by their place in the model.",
        "--learning_rate=0.5 is ignored: the model that is there has 1.0; "
        "give --override_loaded_hparams to change how it learns",
    ]
    assert (load_hparams(model).learning_rate, load_hparams(model).num_train_steps) == (1.0, 3)
    more = ["--num_train_steps=4", "--learning_rate=0.5", "--override_loaded_hparams"]
    assert main(training_flags(corpus_dir, model, *more)) == 0
    assert "lr 0.5 " in capsys.readouterr().out
    assert load_hparams(model).learning_rate == 0.5


@pytest.mark.slow
def test_a_file_is_answered_line_by_line(trained, corpus_dir, tmp_path, capsys):
    source, target = tmp_path / "in", tmp_path / "out"
    source.write_text("a b\n\nc\n", encoding="utf-8")
    flags = [f"--out_dir={trained[0]}", f"--inference_input_file={source}", f"--inference_output_file={target}"]
    assert main([*flags, "--beam_width=2", "--length_penalty_weight=1"]) == 0
    assert capsys.readouterr().out == f"3 answers in {target}\n"
    lines = target.read_text(encoding="utf-8").split("\n")
    assert len(lines) == 4
    assert lines[1] == lines[3] == ""


@pytest.mark.slow
def test_decoding_flags_do_not_change_the_model(trained, tmp_path):
    before = (trained[0] / "hparams.json").read_bytes()
    (tmp_path / "in").write_text("a\n", encoding="utf-8")
    flags = [f"--inference_input_file={tmp_path / 'in'}", f"--inference_output_file={tmp_path / 'out'}"]
    assert main([f"--out_dir={trained[0]}", *flags, "--beam_width=2"]) == 0
    assert (trained[0] / "hparams.json").read_bytes() == before


@pytest.mark.slow
def test_a_file_is_answered_by_jobs_with_scores_and_all_that_was_found(trained, corpus_dir, tmp_path, capsys):
    flags = [
        f"--out_dir={trained[0]}",
        f"--inference_input_file={corpus_dir / 'train.req'}",
        f"--inference_ref_file={corpus_dir / 'train.rep'}",
        f"--inference_output_file={tmp_path / 'out'}",
        f"--nbest_output_file={tmp_path / 'nbest'}",
        f"--alignments_output_file={tmp_path / 'looked'}",
        "--infer_mode=beam_search",
        "--beam_width=3",
        "--num_translations_per_input=2",
        "--coverage_penalty_weight=0.2",
        "--infer_batch_size=8",
        "--metrics=bleu,accuracy",
    ]
    assert main([*flags, "--num_workers=2", "--jobid=1"]) == 0
    assert capsys.readouterr().out == f"14 of 30 lines answered; the last job writes {tmp_path / 'out'}\n"
    assert not (tmp_path / "out").exists()
    assert main([*flags, "--num_workers=2", "--jobid=0"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"30 answers in {tmp_path / 'out'}"
    assert [line.split(":")[0] for line in said[1:]] == ["  bleu", "  accuracy"]
    written = {name: (tmp_path / name).read_bytes() for name in ("out", "nbest", "looked")}
    assert [content.count(b"\n") for content in written.values()] == [60, 30, 60]
    assert main(flags) == 0
    assert capsys.readouterr().out.splitlines() == said
    assert {name: (tmp_path / name).read_bytes() for name in written} == written
    assert main([*flags, "--inference_list=3,1"]) == 0
    assert (tmp_path / "out").read_bytes().count(b"\n") == 4


@pytest.mark.slow
def test_progress_is_told_when_it_takes_long(trained, corpus_dir, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("core.nmt.__main__.Pace", lambda: Pace(0.0))
    flags = [f"--inference_input_file={corpus_dir / 'train.req'}", f"--inference_output_file={tmp_path / 'out'}"]
    assert main([f"--out_dir={trained[0]}", *flags, "--infer_batch_size=12"]) == 0
    said = capsys.readouterr()
    assert [line.split()[:2] for line in said.err.splitlines()] == [["answered", "12/30"], ["answered", "24/30"]]
    assert said.out == f"30 answers in {tmp_path / 'out'}\n"


def test_a_reference_that_is_not_there_is_missed_before_anything_is_answered(fails, corpus_dir, tmp_path):
    flags = [f"--inference_input_file={corpus_dir / 'train.req'}", f"--inference_output_file={tmp_path / 'out'}"]
    save_hparams(HParams(), tmp_path)
    said = fails([f"--out_dir={tmp_path}", *flags, f"--inference_ref_file={tmp_path / 'ref'}"])
    assert said == f"core.nmt: no file {tmp_path / 'ref'}: check --inference_ref_file\n"


def test_help_is_no_mistake(capsys):
    assert main(["--help"]) == 0
    assert "--num_units=32" in capsys.readouterr().out


@pytest.mark.slow
def test_where_operations_run_is_told_when_asked(trained, tmp_path):
    (tmp_path / "in").write_text("a\n", encoding="utf-8")
    files = [f"--inference_input_file={tmp_path / 'in'}", f"--inference_output_file={tmp_path / 'out'}"]
    done = engine(f"--out_dir={trained[0]}", *files, "--log_device_placement")
    assert done.returncode == 0
    assert "/device:" in done.stdout


def test_an_unknown_flag_is_named_with_its_nearest(fails):
    assert fails(["--num_unit=3"]) == "core.nmt: unknown flag --num_unit: did you mean --num_units?\n"


def test_a_command_without_a_directory_or_files_says_what_is_missing(fails, tmp_path):
    assert "--out_dir is missing" in fails([])
    assert "--vocab_prefix is missing" in fails([f"--out_dir={tmp_path / 'm'}"])
    assert "--train_prefix is missing" in fails([f"--out_dir={tmp_path / 'm'}", "--vocab_prefix=v"])
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("missing", ["train.req", "train.rep", "test.rep", "vocab.req", "vocab.rep"])
def test_a_missing_file_is_named(fails, corpus, tmp_path, missing):
    (corpus / missing).unlink()
    assert missing in fails(training_flags(corpus, tmp_path / "m"))


def test_files_of_unequal_length_are_refused(fails, corpus, tmp_path):
    with (corpus / "train.rep").open("a", encoding="utf-8") as file:
        file.write("a b\n")
    assert "more lines than" in fails(training_flags(corpus, tmp_path / "m"))


def test_an_empty_corpus_is_refused(fails, corpus, tmp_path):
    for suffix in ("req", "rep"):
        (corpus / f"train.{suffix}").write_text("", encoding="utf-8")
    assert "nothing to learn from" in fails(training_flags(corpus, tmp_path / "m"))


@pytest.mark.slow
def test_a_contradiction_with_the_model_that_is_there_is_refused(fails, trained, corpus_dir):
    said = fails(training_flags(corpus_dir, trained[0], "--num_units=8"))
    assert "the model was made with --num_units=4, not 8" in said
    assert "--out_dir" in said


@pytest.mark.slow
def test_another_vocabulary_than_the_models_is_refused(fails, trained, corpus):
    with (corpus / "vocab.rep").open("a", encoding="utf-8") as file:
        file.write("i\n")
    assert "another vocabulary" in fails(training_flags(corpus, trained[0]))


def test_a_model_directory_that_cannot_be_made_is_refused(fails, corpus_dir, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert "exists" in fails(training_flags(corpus_dir, tmp_path / "file"))
    assert "file" in fails(training_flags(corpus_dir, tmp_path / "file" / "model"))


@pytest.mark.slow
def test_inference_without_a_model_or_its_files_is_refused(fails, trained, tmp_path):
    source, target = tmp_path / "in", tmp_path / "out"
    flags = [f"--inference_input_file={source}", f"--inference_output_file={target}"]
    assert "check --inference_input_file" in fails([f"--out_dir={trained[0]}", *flags])
    source.write_text("a\n", encoding="utf-8")
    assert "--inference_output_file is missing" in fails([f"--out_dir={trained[0]}", flags[0]])
    assert "no model in" in fails([f"--out_dir={tmp_path / 'm'}", *flags])
    nowhere = f"--inference_output_file={source / 'where'}"  # beneath a file
    assert str(source) in fails([f"--out_dir={trained[0]}", flags[0], nowhere])
    assert not target.exists()


def engine(*argv):
    command = [sys.executable, "-m", "core.nmt", *argv]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.slow
def test_as_a_process_it_trains_answers_and_is_quiet(corpus_dir, tmp_path):
    flags = training_flags(corpus_dir, tmp_path / "model", "--num_layers=4", "--num_units=128")
    done = engine(*flags)
    assert (done.returncode, done.stderr) == (0, "")
    (tmp_path / "in").write_text("a b c\nd\n", encoding="utf-8")
    done = engine(
        f"--out_dir={tmp_path / 'model'}",
        f"--inference_input_file={tmp_path / 'in'}",
        f"--inference_output_file={tmp_path / 'out'}",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "out").read_text(encoding="utf-8").count("\n") == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "more", "complaint"),
    [
        (lambda corpus: None, ["--num_unit=8"], "did you mean --num_units?"),
        (lambda corpus: (corpus / "train.req").unlink(), [], "train.req"),
        (lambda corpus: (corpus / "train.req").write_text("a\n"), [], "more lines than"),
        (lambda corpus: [(corpus / f"train.{s}").write_text("") for s in ("req", "rep")], [], "nothing to learn from"),
        (lambda corpus: None, ["--out_dir={trained}", "--num_units=8"], "made with --num_units=4"),
        (lambda corpus: None, ["--learning_rate=1e30", "--steps_per_stats=9"], "with a lower --learning_rate"),
    ],
    ids=["unknown flag", "missing file", "unequal files", "empty corpus", "another model", "loss"],
)
def test_as_a_process_a_mistake_is_one_line_and_exit_code_2(corpus, trained, tmp_path, spoil, more, complaint):
    spoil(corpus)
    flags = [flag.format(trained=trained[0]) for flag in more]
    done = engine(*training_flags(corpus, tmp_path / "model", *flags))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("core.nmt: ")
    assert done.stderr.count("\n") == 1
    assert complaint in done.stderr
