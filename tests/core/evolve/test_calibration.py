"""Whether a version is calibrated anew or as its parent was."""

from types import SimpleNamespace

import pytest

from core.evolve.calibration import CALIBRATION, inherit_calibration
from core.nmt.hparams import HParams
from core.nmt.hparams_file import save_hparams
from core.reply import calibration


def searches(directory, **flags):
    """Make the directory of a version whose model searches by these flags."""
    (directory / "model").mkdir(parents=True, exist_ok=True)
    save_hparams(HParams(infer_mode="beam_search", beam_width=10).updated(flags), directory / "model")


@pytest.fixture
def draft(tmp_path):
    searches(tmp_path / "draft", tgt_max_len_infer=12)
    return tmp_path / "draft"


@pytest.fixture
def parent(tmp_path):
    searches(tmp_path / "parent", tgt_max_len_infer=11)
    (tmp_path / "parent" / CALIBRATION).write_text("{}", encoding="utf-8")
    return tmp_path / "parent"


def test_training_that_goes_on_keeps_the_parents(draft, parent):
    assert inherit_calibration(SimpleNamespace(init_from=parent / "model"), draft)
    assert (draft / CALIBRATION).read_text(encoding="utf-8") == "{}"


def test_training_from_scratch_is_calibrated_anew(draft):
    assert not inherit_calibration(SimpleNamespace(init_from=None), draft)
    assert not (draft / CALIBRATION).exists()


def test_a_parent_without_one_gives_none(draft, parent):
    (parent / CALIBRATION).unlink()
    assert not inherit_calibration(SimpleNamespace(init_from=parent / "model"), draft)


def test_another_search_is_calibrated_anew(draft, parent):
    searches(draft, leave_one_out=0.75)
    assert not inherit_calibration(SimpleNamespace(init_from=parent / "model"), draft)
    assert not (draft / CALIBRATION).exists()


def test_both_packages_name_the_file_alike():
    assert CALIBRATION == calibration.CALIBRATION
