"""Whether a version is calibrated anew or as its parent was."""

from types import SimpleNamespace

import pytest

from core.evolve.calibration import CALIBRATION, inherit_calibration
from core.reply import calibration


@pytest.fixture
def draft(tmp_path):
    (tmp_path / "draft").mkdir()
    return tmp_path / "draft"


@pytest.fixture
def parent(tmp_path):
    (tmp_path / "parent" / "model").mkdir(parents=True)
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


def test_both_packages_name_the_file_alike():
    assert CALIBRATION == calibration.CALIBRATION
