"""The `hparams` file of tensorflow/nmt, in its versions."""

import json

import pytest

from core.nmt.errors import NmtError
from core.nmt.hparams import HParams, default_values
from core.nmt.hparams_file import FILE_NAME, load_hparams, load_original_hparams, save_hparams
from core.nmt.original_hparams import ORIGINAL_FILE_NAME, read_original

# As the last version wrote it, but for the values.
LAST = {
    "attention": "normed_bahdanau",
    "attention_architecture": "gnmt",
    "avg_ckpts": False,
    "batch_size": 32,
    "beam_width": 0,
    "best_bleu": 4.592,
    "best_bleu_dir": "./best_bleu",
    "check_special_token": True,
    "coverage_penalty_weight": 0.0,
    "decay_scheme": "luong10",
    "dev_prefix": "../data/dev",
    "embed_prefix": None,
    "encoder_type": "gnmt",
    "epoch_step": 2,
    "infer_mode": "greedy",
    "metrics": ["bleu", "rouge", "accuracy", "word_accuracy"],
    "num_dec_emb_partitions": 0,
    "num_decoder_layers": 4,
    "num_decoder_residual_layers": 2,
    "num_encoder_layers": 4,
    "num_encoder_residual_layers": 2,
    "num_units": 32,
    "out_dir": ".",
    "override_loaded_hparams": False,
    "random_seed": None,
    "residual": True,
    "src": "req",
    "src_max_len_infer": None,
    "src_vocab_file": "../data/vocab.req",
    "src_vocab_size": 1020,
    "steps_per_external_eval": None,
    "tgt": "rep",
}

# As the first versions and NM-chatbot wrote it.
FIRST = {
    "attention": "scaled_luong",
    "beam_width": 10,
    "decay_factor": 0.5,
    "decay_steps": 1000,
    "encoder_type": "bi",
    "learning_rate_decay_scheme": "luong",
    "metrics": ["bleu"],
    "num_layers": 4,
    "num_residual_layers": 3,
    "residual": True,
    "source_reverse": True,
    "src": "from",
    "start_decay_step": 6000,
    "steps_per_external_eval": 0,
    "tgt": "to",
    "tgt_max_len_infer": 0,
}


@pytest.fixture
def load(tmp_path):
    """Read an object as a model directory's `hparams`."""

    def read(values):
        (tmp_path / ORIGINAL_FILE_NAME).write_text(json.dumps(values), encoding="utf-8")
        return load_hparams(tmp_path)

    return read


def test_the_last_version_is_read(load):
    assert load(LAST) == HParams(
        attention="normed_bahdanau",
        attention_architecture="gnmt",
        batch_size=32,
        decay_scheme="luong10",
        encoder_type="gnmt",
        metrics="bleu,rouge,accuracy,word_accuracy",
        num_layers=4,
        num_encoder_layers=4,
        num_decoder_layers=4,
        num_units=32,
        residual=True,
    )


def test_what_no_longer_applies_is_named(tmp_path):
    (tmp_path / "hparams").write_text(json.dumps({**LAST, "invented": 1}), encoding="utf-8")
    _, ignored = load_original_hparams(tmp_path / "hparams")
    paths = ["dev_prefix", "embed_prefix", "out_dir", "src_vocab_file"]
    others = ["best_bleu", "best_bleu_dir", "epoch_step", "num_dec_emb_partitions", "override_loaded_hparams"]
    assert sorted(ignored) == sorted([*paths, *others, "src_vocab_size", "invented"])


def test_the_first_version_is_read(load):
    assert load(FIRST) == HParams(
        attention="scaled_luong",
        beam_width=10,
        decay_scheme="luong5",
        encoder_type="bi",
        num_layers=4,
        num_encoder_layers=4,
        num_decoder_layers=4,
        residual=True,
        source_reverse=True,
        src="from",
        tgt="to",
    )
    assert load(FIRST).beams == 10


def test_sides_of_their_own_depth_are_read(load):
    hparams = load({"num_encoder_layers": 3, "num_decoder_layers": 2, "attention": "luong", "num_units": 5})
    assert (hparams.encoder_layers, hparams.decoder_layers, hparams.passes_state) == (3, 2, False)


def test_a_mode_that_is_named_decides_whatever_the_width(load):
    assert load({**LAST, "beam_width": 10}).beams == 0
    assert load({**LAST, "beam_width": 10, "infer_mode": "beam_search"}).beams == 10


def test_a_language_model_has_an_architecture_without_a_name(load):
    none = {"attention": "", "attention_architecture": "", "encoder_type": "uni", "residual": False}
    values = {"language_model": True, "share_vocab": True, "src": "rep", **none}
    counts = {"num_encoder_residual_layers": 0, "num_decoder_residual_layers": 0}
    hparams = load({**LAST, **values, **counts})
    assert (hparams.language_model, hparams.src, hparams.attention_architecture) == (True, "rep", "standard")


def test_empty_special_tokens_are_the_usual_ones(load):
    assert load({**LAST, "sos": "", "eos": ""}).sos == "<s>"


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"num_encoder_residual_layers": 3}, "hparams: residual connections in 3 layers of the encoder: .* has 2"),
        ({"num_decoder_residual_layers": 3}, "residual connections in 3 layers of the decoder: .* has 2"),
        ({"num_encoder_residual_layers": "2"}, "num_encoder_residual_layers is '2': it must be int"),
        ({"unit_type": "rnn"}, "--unit_type=rnn is none of 'lstm'"),
        ({"metrics": 3}, "metrics is 3: it must be a list of names"),
        ({"metrics": ["meteor"]}, "--metrics names 'meteor'"),
        ({"num_encoder_layers": None, "num_decoder_layers": None}, "it does not say how many layers the model has"),
    ],
)
def test_what_this_engine_cannot_do_is_refused_by_the_files_name(load, values, complaint):
    with pytest.raises(NmtError, match=complaint) as caught:
        load({**LAST, **values})
    assert "hparams: " in str(caught.value)


def test_our_own_file_is_read_where_there_are_both(load, tmp_path):
    ours = HParams(num_units=3)
    save_hparams(ours, tmp_path)
    assert load(LAST) == ours
    (tmp_path / FILE_NAME).unlink()
    assert load_hparams(tmp_path).num_units == 32


def test_a_value_of_null_is_the_default():
    defaults = default_values()
    assert read_original({"random_seed": None, "dropout": None}, defaults).values == {"random_seed": 0, "dropout": 0.2}
