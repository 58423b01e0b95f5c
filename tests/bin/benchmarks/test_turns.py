"""The processes that `bin/bench` measures in turn."""

import json

import pytest
from benchmarks import peers, turns
from benchmarks.drivers.protocol import Setup

from core.errors import JaramError

pytestmark = pytest.mark.slow

SETUP = Setup("data", "", layers=1, units=2, batch_size=3, dropout=0.0, learning_rate=0.1, threads=1, seed=0)
DRIVER = """
from protocol import read_setup, serve
setup, mode = read_setup()
print("what a library prints is no answer")
serve({"add": lambda a, b: {"sum": a + b}, "tell": lambda: {"mode": mode, **setup._asdict()}}, {"engine": "Fake"})
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Drivers of the test's own beside the real protocol."""
    (tmp_path / "drive_fake.py").write_text(DRIVER, encoding="utf-8")
    (tmp_path / "protocol.py").write_bytes((peers.DRIVERS / "protocol.py").read_bytes())
    monkeypatch.setattr(turns, "DRIVERS", tmp_path)
    monkeypatch.setattr(turns, "PLACE", tmp_path)
    return tmp_path


def test_a_driver_answers_what_it_is_asked(place):
    with turns.drivers([peers.Engine("Fake", "drive_fake")], SETUP, "reply") as [driver]:
        assert driver.versions == {"engine": "Fake"}
        assert driver.ask("add", a=2, b=3) == {"sum": 5}
        assert driver.ask("tell") == {**SETUP._asdict(), "mode": "reply", "work": str(place / "work" / "drive_fake")}
    assert json.loads((place / "drive_fake.json").read_text("utf-8"))["units"] == 2


def test_a_driver_that_ends_says_where_to_look(place):
    with (
        turns.drivers([peers.Engine("Fake", "drive_fake")], SETUP, "train") as [driver],
        pytest.raises(JaramError, match=r"Fake ended before it answered: see .*drive_fake\.train\.log"),
    ):
        driver.ask("what it does not know")
    assert "KeyError" in (place / "drive_fake.train.log").read_text("utf-8")
