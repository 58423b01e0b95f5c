"""The file of hyperparameters: it holds them all, or it is refused by its name."""

import json
from dataclasses import asdict

import pytest

from core.nmt.errors import NmtError
from core.nmt.flags import PATHS
from core.nmt.hparams import HParams
from core.nmt.hparams_file import FILE_NAME, load_hparams, save_hparams


def test_what_is_saved_is_loaded(tmp_path):
    hparams = HParams(num_units=7, attention="luong", num_encoder_layers=4, num_decoder_layers=4, learning_rate=0.5)
    save_hparams(hparams, tmp_path)
    assert load_hparams(tmp_path) == hparams


def test_the_file_is_readable_json_without_paths(tmp_path):
    save_hparams(HParams(), tmp_path)
    text = (tmp_path / FILE_NAME).read_text(encoding="utf-8")
    assert json.loads(text) == asdict(HParams())
    assert str(tmp_path) not in text
    assert not {*PATHS} & {*asdict(HParams())}


def test_what_cannot_be_written_leaves_the_old_file(tmp_path):
    save_hparams(HParams(num_units=7), tmp_path)
    with pytest.raises(UnicodeEncodeError):
        save_hparams(HParams(sos="\udcff"), tmp_path)  # fails in the middle of writing, as a full disk does
    assert load_hparams(tmp_path) == HParams(num_units=7)
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "can't read"),
        ("[1]", "must hold one JSON object"),
        ('{"num_unit": 3}', "did you mean num_units"),
        ('{"dropout": "much"}', "dropout is 'much'"),
        ('{"batch_size": 0}', "--batch_size=0"),
        ('{"learning_rate": NaN}', "--learning_rate=nan"),
    ],
)
def test_a_damaged_file_is_refused_by_its_name(tmp_path, content, complaint):
    (tmp_path / FILE_NAME).write_text(content, encoding="utf-8")
    with pytest.raises(NmtError, match=complaint) as caught:
        load_hparams(tmp_path)
    assert FILE_NAME in str(caught.value)


def test_a_directory_without_the_file_holds_no_model(tmp_path):
    with pytest.raises(NmtError, match="no model in"):
        load_hparams(tmp_path)
