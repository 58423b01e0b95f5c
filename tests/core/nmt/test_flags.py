"""The engine's command line."""

from dataclasses import fields
from pathlib import Path

import pytest

from core.nmt.errors import NmtError
from core.nmt.flags import PATHS, Options, help_text, parse, without_effect
from core.nmt.hparams import HParams


def test_flags_are_read_in_both_spellings():
    command = parse(["--num_units=8", "--num_layers", "3", "--out_dir", "m", "--vocab_prefix=a=b"])
    assert command.hparams == {"num_units": 8, "num_layers": 3}
    assert command.paths == {"out_dir": Path("m"), "vocab_prefix": Path("a=b")}


def test_a_bare_switch_is_true():
    assert parse(["--residual", "--num_units=8"]).hparams == {"residual": True, "num_units": 8}
    assert parse(["--residual"]).hparams == {"residual": True}


def test_a_negative_number_is_a_value_and_no_flag():
    assert parse(["--forget_bias", "-1"]).hparams == {"forget_bias": -1.0}


def test_the_last_of_a_repeated_flag_counts():
    assert parse(["--num_units=8", "--num_units=9"]).hparams == {"num_units": 9}


def test_flags_that_were_not_typed_are_not_there():
    command = parse([])
    assert command.hparams == {}
    assert command.paths == {}


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["--num_unit=8"], r"unknown flag --num_unit: did you mean --num_units\?"),
        (["--outdir=m"], r"unknown flag --outdir: did you mean --out_dir\?"),
        (["--zzzzzz"], r"unknown flag --zzzzzz: see --help"),
        (["train"], r"'train' is no flag: flags are written --name=value"),
        (["-num_units=8"], r"is no flag"),
        (["--num_units=x"], r"--num_units=x must be a whole number"),
        (["--num_units"], r"--num_units=true must be a whole number"),
        (["--out_dir"], r"--out_dir needs a value: The model's directory"),
        (["--out_dir", "--num_units=8"], r"--out_dir needs a value"),
        (["--out_dir="], r"--out_dir needs a value"),
    ],
)
def test_a_command_that_is_not_understood_is_refused(argv, complaint):
    with pytest.raises(NmtError, match=complaint):
        parse(argv)


def test_a_path_may_be_called_true():
    assert parse(["--out_dir", "true"]).paths == {"out_dir": Path("true")}


def test_a_path_that_is_missing_says_what_it_is_for():
    with pytest.raises(NmtError, match=r"--train_prefix is missing: The training files"):
        parse(["--out_dir=m"]).path("train_prefix")


def test_help_names_every_flag_and_its_default():
    text = help_text()
    said = " ".join(text.split())
    for name, meaning in PATHS.items():
        assert f"  --{name}\n" in text
        assert meaning in said
    for spec in (*fields(HParams), *fields(Options)):
        assert f"  --{spec.name}={spec.default}\n" in text
        assert spec.metadata["help"] in said


def test_help_is_in_groups_and_fits_a_terminal():
    lines = help_text().splitlines()
    assert [line for line in lines if len(line) > 100] == []
    groups = [line for line in lines[4:] if line and not line.startswith(" ")]
    assert groups == [
        "Files",
        "Command",
        "Data",
        "Architecture",
        "Optimisation",
        "Evaluation and checkpoints",
        "Decoding",
        "Machine",
    ]


@pytest.mark.parametrize("spelling", [["--residual=True"], ["--residual=TRUE"], ["--residual", "true"], ["--residual"]])
def test_a_switch_is_read_as_the_original_reads_it(spelling):
    assert parse(spelling).hparams == {"residual": True}


def test_options_say_what_one_command_does():
    options = parse(["--jobid=1", "--num_workers=2", "--inference_list=3,0", "--override_loaded_hparams"]).options
    assert (options.jobid, options.num_workers, options.inference_indices) == (1, 2, (3, 0))
    assert options.override_loaded_hparams
    assert parse([]).options == Options()
    assert Options().inference_indices is None


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["--jobid=2", "--num_workers=2"], r"--jobid=2 must be below --num_workers=2"),
        (["--jobid=-1"], r"--jobid=-1 must be 0 or more"),
        (["--num_workers=0"], r"--num_workers=0 must be 1 or more"),
        (["--inference_list=1,-2"], r"--inference_list=1,-2 must be numbers from 0, by comma"),
        (["--inference_list=1,,2"], r"must be numbers from 0"),
        (["--override_loaded_hparams=maybe"], r"must be true or false"),
        (["--job_id=1"], r"did you mean --jobid\?"),
    ],
)
def test_options_that_mean_nothing_are_refused(argv, complaint):
    with pytest.raises(NmtError, match=complaint):
        parse(argv)


def test_an_empty_checkpoint_is_none():
    assert parse(["--ckpt="]).paths == {}
    with pytest.raises(NmtError, match="--ckpt needs a value"):
        parse(["--ckpt"])


def test_flags_without_effect_say_so_when_they_are_given():
    assert without_effect(parse([])) == ()
    [line] = without_effect(parse(["--time_major=false", "--residual"]))
    assert line == "--time_major has no effect: sequences are always time-major inside."
