"""Hyperparameters: what is valid, what follows from it, and what a trained model lets change."""

from dataclasses import FrozenInstanceError

import pytest

from core.nmt.errors import NmtError
from core.nmt.hparams import HParams, check_values, parse_value


def test_hyperparameters_never_change():
    with pytest.raises(FrozenInstanceError):
        HParams().num_units = 3


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"unit_type": "rnn"}, r"--unit_type=rnn is none of 'lstm', 'gru'"),
        ({"attention": "dot"}, r"--attention=dot is none of"),
        ({"optimizer": "adagrad"}, r"--optimizer=adagrad is none of 'sgd', 'adam'"),
        ({"num_units": 0}, r"--num_units=0 must be 1 or more"),
        ({"num_layers": 0}, r"--num_layers=0 must be 1 or more"),
        ({"num_encoder_layers": -1}, r"--num_encoder_layers=-1 must be 1 or more"),
        ({"num_decoder_layers": -1}, r"--num_decoder_layers=-1 must be 1 or more"),
        ({"batch_size": 0}, r"--batch_size=0 must be"),
        ({"infer_batch_size": 0}, r"--infer_batch_size=0 must be"),
        ({"num_buckets": 0}, r"--num_buckets=0 must be"),
        ({"num_train_steps": -1}, r"--num_train_steps=-1 must be"),
        ({"steps_per_stats": 0}, r"--steps_per_stats=0 must be"),
        ({"steps_per_external_eval": -5}, r"--steps_per_external_eval=-5 must be"),
        ({"num_keep_ckpts": 0}, r"--num_keep_ckpts=0 must be"),
        ({"src_max_len": -1}, r"--src_max_len=-1 must be 0 or more"),
        ({"src_max_len_infer": -1}, r"--src_max_len_infer=-1 must be 1 or more"),
        ({"tgt_max_len_infer": -1}, r"--tgt_max_len_infer=-1 must be 1 or more"),
        ({"max_train": -1}, r"--max_train=-1 must be"),
        ({"beam_width": -1}, r"--beam_width=-1 must be 0 or more"),
        ({"warmup_steps": -1}, r"--warmup_steps=-1 must be"),
        ({"random_seed": 2**31}, r"--random_seed=2147483648 must be .* below 2147483648"),
        ({"random_seed": -1}, r"--random_seed=-1 must be 0 or more"),
        ({"num_intra_threads": -1}, r"--num_intra_threads=-1 must be 0 or more"),
        ({"learning_rate": float("nan")}, r"--learning_rate=nan must be"),
        ({"learning_rate": 0.0}, r"--learning_rate=0.0 must be above 0"),
        ({"learning_rate": float("inf")}, r"--learning_rate=inf must be"),
        ({"max_gradient_norm": 0.0}, r"--max_gradient_norm=0.0 must be above 0"),
        ({"dropout": 1.0}, r"--dropout=1.0 must be 0 or more and below 1"),
        ({"dropout": -0.1}, r"--dropout=-0.1 must be"),
        ({"label_smoothing": 1.5}, r"--label_smoothing=1.5 must be"),
        ({"encoder_type": "bi", "num_layers": 3}, r"even number of encoder layers, not 3"),
        ({"num_encoder_layers": 3}, r"give both as many layers, or an --attention"),
        ({"num_encoder_layers": 3, "pass_hidden_state": False}, r"give both as many layers"),
        ({"encoder_type": "gnmt", "num_layers": 1}, r"need 2 encoder layers or more, not 1"),
        ({"attention_architecture": "gnmt", "attention": "luong", "num_layers": 1}, r"need 2 encoder layers or more"),
        ({"attention_architecture": "gnmt_v2"}, r"says where attention sits: give an --attention"),
        ({"infer_mode": "beam_search"}, r"--infer_mode=beam_search needs a --beam_width above 0"),
        ({"infer_mode": "sample"}, r"--infer_mode=sample needs a --sampling_temperature above 0"),
        (
            {"metrics": "bleu,meteor"},
            r"--metrics names 'meteor': choose from bleu, rouge, accuracy, word_accuracy, chrf",
        ),
        ({"src": "ko", "tgt": "ko"}, r"--src and --tgt are both 'ko'"),
        ({"num_unit": 3}, r"unknown hyperparameter num_unit: did you mean num_units\?"),
        ({"num_units": "3"}, r"num_units is '3': it must be int"),
        ({"num_units": 3.0}, r"num_units is 3.0: it must be int"),
        ({"num_units": True}, r"num_units is True: it must be int"),
        ({"residual": 1}, r"residual is 1: it must be bool"),
        ({"src_max_len_infer": "5"}, r"src_max_len_infer is '5': it must be int or None$"),
    ],
)
def test_values_that_no_model_can_have_are_refused(values, complaint):
    with pytest.raises(NmtError, match=complaint):
        HParams.from_values(values)


def test_zero_says_nothing_where_tensorflow_nmt_takes_it_for_nothing():
    names = (
        "num_encoder_layers",
        "num_decoder_layers",
        "steps_per_external_eval",
        "src_max_len_infer",
        "tgt_max_len_infer",
    )
    hparams = HParams.from_values(dict.fromkeys(names, 0))
    assert hparams == HParams()
    assert (hparams.encoder_layers, hparams.eval_interval, hparams.tgt_max_len_infer) == (2, 1000, None)
    assert HParams(tgt_max_len_infer=9).updated({"tgt_max_len_infer": 0}).tgt_max_len_infer is None


def test_layers_may_differ_where_the_decoder_looks_back_instead():
    hparams = HParams(num_encoder_layers=3, attention="luong")
    assert (hparams.encoder_layers, hparams.decoder_layers, hparams.passes_state) == (3, 2, False)
    assert HParams(num_layers=3, attention="luong").passes_state
    assert not HParams(num_layers=3, attention="luong", pass_hidden_state=False).passes_state


@pytest.mark.parametrize(
    ("values", "encoder", "decoder"),
    [
        ({"num_layers": 4}, 0, 0),
        ({"num_layers": 4, "residual": True}, 3, 3),
        ({"num_layers": 4, "residual": True, "encoder_type": "bi"}, 3, 3),
        ({"num_layers": 4, "residual": True, "encoder_type": "gnmt"}, 2, 2),
        # Of another depth than the encoder's, the decoder follows its own rule.
        ({"num_layers": 3, "num_encoder_layers": 4, "residual": True, "encoder_type": "gnmt"}, 2, 2),
        ({"num_layers": 5, "num_encoder_layers": 4, "residual": True, "encoder_type": "gnmt"}, 2, 4),
        ({"num_layers": 1, "residual": True}, 0, 0),
        ({"num_layers": 2, "residual": True, "encoder_type": "gnmt"}, 0, 0),
    ],
)
def test_residual_connections_follow_the_originals_rule(values, encoder, decoder):
    hparams = HParams(attention="luong", **values)
    assert (hparams.encoder_residual_layers, hparams.decoder_residual_layers) == (encoder, decoder)


def test_a_language_model_has_no_source_of_its_own():
    hparams = HParams(language_model=True, attention="luong", attention_architecture="gnmt", num_encoder_layers=7)
    assert (hparams.src, hparams.tgt, hparams.share_vocab) == ("rep", "rep", True)
    assert (hparams.attention, hparams.attention_architecture, hparams.passes_state) == ("", "standard", False)
    assert hparams.updated({"src": "req", "attention": "luong"}) == hparams


def test_without_attention_the_state_is_always_passed():
    assert HParams(pass_hidden_state=False, attention="").passes_state


def test_beams_follow_from_width_and_mode():
    assert HParams().beams == 0
    assert HParams(infer_mode="beam_search", beam_width=10).beams == 10
    assert HParams(beam_width=3).beams == 3
    assert HParams(beam_width=3, infer_mode="sample", sampling_temperature=1.0).beams == 0


def test_dev_is_scored_every_ten_log_lines_unless_told():
    assert HParams(steps_per_stats=7).eval_interval == 70
    assert HParams(steps_per_stats=7, steps_per_external_eval=3).eval_interval == 3


def test_metric_names_are_split_at_commas():
    assert HParams(metrics=" BLEU, accuracy,bleu").metric_names == ("bleu", "accuracy")
    assert HParams(metrics="").metric_names == ()


def test_a_whole_number_will_do_for_a_float():
    checked = check_values({"learning_rate": 1})
    assert checked == {"learning_rate": 1.0}
    assert type(checked["learning_rate"]) is float


def test_a_trained_model_takes_another_decoding_but_no_other_shape():
    hparams = HParams(num_units=8)
    assert hparams.updated({"beam_width": 4, "num_units": 8}).beam_width == 4
    with pytest.raises(NmtError, match="made with --num_units=8, not 16: leave the flag out, or give another"):
        hparams.updated({"num_units": 16})
    with pytest.raises(NmtError, match="made with --attention="):
        hparams.updated({"attention": "luong"})
    assert hparams.updated({"num_encoder_layers": 2}).encoder_layers == 2
    with pytest.raises(NmtError, match="made with --num_layers=2, not 4"):
        hparams.updated({"num_layers": 4})


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("num_units", "64", 64),
        ("dropout", "0.3", 0.3),
        ("learning_rate", "1", 1.0),
        ("residual", "True", True),
        ("residual", "false", False),
        ("attention", "", ""),
        ("src_max_len_infer", "None", None),
        ("src_max_len_infer", "", None),
        ("src_max_len_infer", "9", 9),
    ],
)
def test_text_is_read_as_the_hyperparameters_type(name, text, value):
    parsed = parse_value(name, text)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("num_units", "many", "--num_units=many must be a whole number"),
        ("num_units", "1.5", "--num_units=1.5 must be a whole number"),
        ("dropout", "some", "--dropout=some must be a number"),
        ("residual", "yes", "--residual=yes must be true or false"),
    ],
)
def test_text_that_means_no_value_is_refused(name, text, complaint):
    with pytest.raises(NmtError, match=complaint):
        parse_value(name, text)
