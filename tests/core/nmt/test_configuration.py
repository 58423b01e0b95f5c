"""Which hyperparameters a command means."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from core.nmt.configuration import STANDARD_DIRECTORY, configure, model_directory
from core.nmt.errors import NmtError
from core.nmt.flags import parse
from core.nmt.hparams import HParams
from core.nmt.hparams_file import save_hparams
from core.nmt.original_hparams import ORIGINAL_FILE_NAME

STANDARD = sorted(path.stem for path in STANDARD_DIRECTORY.glob("*.json"))


@pytest.fixture
def meant(tmp_path):
    """What a command means whose --out_dir is `tmp_path`."""
    return lambda *argv: configure(parse([f"--out_dir={tmp_path}", *argv]))


@pytest.fixture
def write(tmp_path):
    """Write an object as JSON, and give the file's path."""

    def to_file(values, name="settings.json"):
        (tmp_path / name).write_text(json.dumps(values), encoding="utf-8")
        return tmp_path / name

    return to_file


# --- A new model --------------------------------------------------------------------------------------------------


def test_a_new_model_has_the_flags_and_the_defaults(meant):
    configuration = meant("--num_units=8", "--dropout=0.5")
    assert configuration.hparams == HParams(num_units=8, dropout=0.5)
    assert configuration.notes == ()


def test_a_standard_file_is_weaker_than_the_flags_and_hparams_path_stronger(meant, write):
    path = write({"num_units": 8, "dropout": 0.5, "metrics": ["rouge", "bleu"], "random_seed": None})
    weak = meant(f"--standard_hparams_path={path}", "--num_units=16", "--random_seed=3")
    assert weak.hparams == HParams(num_units=16, dropout=0.5, metrics="rouge,bleu", random_seed=3)
    assert weak.notes == ()
    strong = meant(f"--hparams_path={path}", "--num_units=16", "--batch_size=9", "--dropout=0.5")
    assert strong.hparams == HParams(num_units=8, dropout=0.5, metrics="rouge,bleu", batch_size=9)
    assert strong.notes == ("--num_units=16 gives way to --hparams_path: 8",)


def test_hparams_path_wins_over_the_standard_file_too(meant, write):
    path = write({"num_units": 8})
    assert meant("--standard_hparams_path=wmt16", f"--hparams_path={path}").hparams.num_units == 8


@pytest.mark.parametrize("flag", ["standard_hparams_path", "hparams_path"])
@pytest.mark.parametrize("name", STANDARD)
def test_the_shipped_files_are_found_by_name_alone(meant, flag, name):
    hparams = meant(f"--{flag}={name}").hparams
    values = json.loads((STANDARD_DIRECTORY / f"{name}.json").read_text(encoding="utf-8"))
    assert {key: getattr(hparams, key) for key in values} == values
    assert hparams.beams == 10
    assert meant(f"--{flag}={name}.json").hparams == hparams
    assert meant(f"--{flag}={STANDARD_DIRECTORY / name}.json").hparams == hparams


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("iwslt15", "512 2 bi scaled_luong standard luong234 12000 False 0.0 "),
        ("wmt16", "1024 4 bi normed_bahdanau standard luong10 340000 False 0.0 bpe"),
        ("wmt16_gnmt_4_layer", "1024 4 gnmt normed_bahdanau gnmt_v2 luong10 340000 True 1.0 bpe"),
        ("wmt16_gnmt_8_layer", "1024 8 gnmt normed_bahdanau gnmt_v2 luong10 340000 True 1.0 bpe"),
    ],
)
def test_the_shipped_files_hold_the_originals_values(meant, name, said):
    h = meant(f"--standard_hparams_path={name}").hparams
    assert (h.encoder_layers, h.optimizer, h.learning_rate, h.dropout) == (h.decoder_layers, "sgd", 1.0, 0.2)
    found = (h.num_units, h.encoder_layers, h.encoder_type, h.attention, h.attention_architecture, h.decay_scheme)
    more = (h.num_train_steps, h.residual, h.length_penalty_weight, h.subword_option)
    assert " ".join(map(str, (*found, *more))) == said


def test_there_are_four_shipped_files():
    assert STANDARD == ["iwslt15", "wmt16", "wmt16_gnmt_4_layer", "wmt16_gnmt_8_layer"]


@pytest.mark.parametrize("flag", ["standard_hparams_path", "hparams_path"])
def test_a_file_that_is_not_there_is_refused_with_the_names(meant, flag):
    with pytest.raises(NmtError, match=f"no file --{flag}=iwslt: give a path, or one of iwslt15, wmt16, wmt16_gnmt_4"):
        meant(f"--{flag}=iwslt")


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"num_unit": 3}, "settings.json: unknown hyperparameter num_unit: did you mean num_units"),
        ({"num_units": "3"}, "settings.json: num_units is '3'"),
        ({"metrics": [1]}, "settings.json: metrics is"),
        ({"learning_rate_decay_scheme": "fast"}, "one of luong, luong5, luong10, luong234"),
        ([], "must hold one JSON object"),
    ],
)
def test_a_file_that_is_not_understood_is_refused_by_its_name(meant, write, values, complaint):
    with pytest.raises(NmtError, match=complaint):
        meant(f"--hparams_path={write(values)}")


def test_settings_of_an_older_version_are_understood_and_what_does_not_apply_is_named(meant, write):
    path = write({"num_layers": 4, "learning_rate_decay_scheme": "luong", "start_decay_step": 5, "epoch_step": 0})
    configuration = meant(f"--hparams_path={path}")
    assert (configuration.hparams.encoder_layers, configuration.hparams.decay_scheme) == (4, "luong5")
    assert configuration.notes == (f"{path}: what does not apply here is ignored: epoch_step, start_decay_step",)


def test_flags_without_effect_are_told(meant):
    assert meant("--scope=x", "--time_major").notes == (
        "--time_major has no effect: sequences are always time-major inside.",
        "--scope has no effect: weights are named by their place in the model.",
    )


def test_a_decoder_that_cannot_start_from_the_encoder_is_told(meant):
    assert meant("--attention=luong", "--num_encoder_layers=3").notes == (
        "the decoder starts from zeros: it has 2 layers, and the encoder, whose state it would start from, 3",
    )
    assert meant("--attention=luong", "--num_encoder_layers=3", "--pass_hidden_state=false").notes == ()
    assert "has no encoder" in meant("--language_model").notes[0]


@pytest.mark.parametrize(
    ("flags", "beams"),
    [
        (["--beam_width=4"], 4),
        (["--infer_mode=beam_search", "--beam_width=4"], 4),
        (["--infer_mode=greedy", "--beam_width=4"], 0),
        (["--infer_mode=sample", "--sampling_temperature=1", "--beam_width=4"], 0),
    ],
)
def test_a_mode_that_is_named_decides_whatever_the_width(meant, flags, beams):
    assert meant(*flags).hparams.beams == beams


def test_a_width_that_does_not_count_is_told(meant):
    assert meant("--infer_mode=greedy", "--beam_width=4").notes == (
        "--beam_width=4 does not count: --infer_mode=greedy has one hypothesis",
    )
    assert meant("--infer_mode=greedy").notes == ()


@pytest.mark.parametrize(
    ("search", "flag", "searches"),
    [
        ("greedy", "length_penalty_weight=0.6", "beam_search"),
        ("greedy", "coverage_penalty_weight=0.2", "beam_search"),
        ("greedy", "sampling_temperature=0.5", "sample"),
        ("greedy", "top_k=5", "sample"),
        ("greedy", "top_p=0.9", "sample"),
        ("greedy", "num_translations_per_input=3", "beam_search or sample"),
        ("sample", "beam_width=4", "beam_search"),
        ("sample", "length_penalty_weight=0.6", "beam_search"),
        ("greedy", "leave_one_out=0.5", "beam_search"),
        ("beam_search", "top_k=5", "sample"),
    ],
)
def test_what_is_for_another_search_is_named(meant, search, flag, searches):
    needed = {"greedy": [], "sample": ["--sampling_temperature=1.0"], "beam_search": ["--beam_width=4"]}[search]
    assert meant(*needed, f"--infer_mode={search}", f"--{flag}").notes == (
        f"--{flag} does not count: it is for --infer_mode={searches}, and this is {search}",
    )


@pytest.mark.parametrize("flags", [["--beam_width=4"], ["--beam_width=1", "--known_targets"]])
def test_readings_that_have_nothing_to_rank_are_told(meant, flags):
    assert meant(*flags, "--leave_one_out=0.5").notes == (
        "--leave_one_out=0.5 does not count: it is for two beams or more among --known_targets",
    )
    assert meant("--beam_width=2", "--known_targets", "--leave_one_out=0.5").notes == ()


@pytest.mark.parametrize("flags", [[], ["--beam_width=4"], ["--beam_width=1", "--known_targets"]])
def test_members_that_never_answer_are_told(meant, flags):
    assert meant(*flags, "--members=2").notes == (
        "--members=2 learn, but the first answers alone: they do together for two beams or more among --known_targets",
    )
    assert meant("--beam_width=2", "--known_targets", "--members=2").notes == ()
    assert meant("--members=1").notes == ()


def test_what_changes_nothing_is_not_named(meant):
    off = ("--length_penalty_weight=0", "--top_k=0", "--top_p=1", "--num_translations_per_input=1", "--beam_width=0")
    assert meant(*off).notes == ()
    assert meant("--beam_width=4", "--length_penalty_weight=0.6", "--num_translations_per_input=4").notes == ()


# --- A model that is there ----------------------------------------------------------------------------------------


@pytest.fixture
def model(tmp_path):
    """The hyperparameters of a model in `tmp_path`."""
    hparams = HParams(num_units=8, learning_rate=0.5, dropout=0.1, beam_width=4, num_train_steps=20, num_buckets=3)
    save_hparams(hparams, tmp_path)
    return hparams


def test_a_model_keeps_what_it_was_made_with(meant, model):
    assert meant().hparams == model
    assert meant().notes == ()


def test_a_model_learns_on_as_it_began_unless_told_to_override(meant, model):
    kept = meant("--learning_rate=0.25", "--num_train_steps=30", "--steps_per_stats=7")
    assert (kept.hparams.learning_rate, kept.hparams.num_train_steps, kept.hparams.steps_per_stats) == (0.5, 30, 7)
    assert kept.notes == (
        "--learning_rate=0.25 is ignored: the model that is there has 0.5; "
        "give --override_loaded_hparams to change how it learns",
    )


def test_override_lets_the_command_and_the_defaults_decide_all_but_the_shape(meant, model):
    changed = meant("--learning_rate=0.25", "--override_loaded_hparams")
    assert changed.hparams == HParams(num_units=8, learning_rate=0.25)
    assert changed.notes == (
        "num_buckets: 3 → 5",
        "dropout: 0.1 → 0.2",
        "num_train_steps: 20 → 12000",
        "beam_width: 4 → 0",
    )


@pytest.mark.parametrize("more", [[], ["--override_loaded_hparams"], ["--hparams_path=iwslt15"]])
def test_another_shape_than_the_models_is_refused(meant, model, more):
    with pytest.raises(NmtError, match="the model was made with --num_units=8, not "):
        meant("--num_units=16", *more)


def test_answers_are_searched_for_as_the_command_says_or_the_model(meant, model):
    assert meant("--infer_mode=greedy").hparams.beams == 0
    assert meant("--beam_width=0").hparams.beams == 0
    assert meant("--length_penalty_weight=1").hparams.beams == 4
    assert meant("--infer_mode=beam_search").hparams.beams == 4


def test_how_a_model_learns_is_no_matter_when_it_answers(meant, model, tmp_path):
    said = meant("--learning_rate=0.25", f"--inference_input_file={tmp_path / 'in'}")
    assert (said.hparams, said.notes) == (model, ())


def test_samples_are_drawn_from_the_commands_seed_and_training_goes_on_with_the_models(meant, model, tmp_path):
    assert meant("--random_seed=7", f"--inference_input_file={tmp_path / 'in'}").hparams.random_seed == 7
    assert meant("--random_seed=7").hparams.random_seed == model.random_seed


def test_the_model_that_answers_lies_beside_its_checkpoint_or_one_above(tmp_path, model):
    def found(*flags):
        return model_directory(parse([*flags, "--inference_input_file=in"]))

    assert found(f"--ckpt={tmp_path / 'translate.ckpt-7'}") == tmp_path
    assert found(f"--ckpt={tmp_path / 'ckpt' / 'ckpt-7'}", "--out_dir=elsewhere") == tmp_path
    assert found("--ckpt=nowhere/ckpt-7", "--out_dir=elsewhere") == Path("elsewhere")
    with pytest.raises(NmtError, match="--out_dir is missing"):
        found("--ckpt=nowhere/ckpt-7")
    training = parse([f"--ckpt={tmp_path / 'ckpt-7'}", "--out_dir=elsewhere"])
    assert model_directory(training) == Path("elsewhere")


def test_a_model_of_the_original_answers_by_the_command_alone(meant, write):
    values = {"num_layers": 2, "num_units": 8, "beam_width": 4, "infer_mode": "beam_search", "learning_rate": 0.5}
    path = write({**values, "out_dir": "/models/x", "best_bleu": 3.5}, ORIGINAL_FILE_NAME)
    configuration = meant("--length_penalty_weight=1", "--learning_rate=2")
    assert configuration.hparams == HParams(
        num_units=8,
        num_encoder_layers=2,
        num_decoder_layers=2,
        learning_rate=0.5,
        length_penalty_weight=1.0,
    )
    assert configuration.notes == (
        "--learning_rate=2.0 is ignored: the model that is there has 0.5; "
        "give --override_loaded_hparams to change how it learns",
        f"{path} is tensorflow/nmt's; what does not apply here is ignored: best_bleu, out_dir",
        "infer_mode: beam_search → greedy",
        "beam_width: 4 → 0",
        "--length_penalty_weight=1.0 does not count: it is for --infer_mode=beam_search, and this is greedy",
    )


def test_what_is_written_is_read_as_the_same(meant, tmp_path):
    configuration = meant("--standard_hparams_path=wmt16_gnmt_4_layer", "--num_units=4")
    save_hparams(configuration.hparams, tmp_path)
    assert asdict(meant().hparams) == asdict(configuration.hparams)
