"""How often to tell how far something is."""

import pytest

from core.nmt.pace import Pace


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is set."""
    now = [100.0]
    monkeypatch.setattr("core.nmt.pace.time.monotonic", lambda: now[0])
    return now


def test_it_is_time_every_other_second_and_not_at_once(clock):
    pace = Pace()
    said = []
    for clock[0] in (100.0, 101.9, 102.0, 103.0, 103.9, 104.1, 110.0, 110.1):
        said.append(pace.due())
    assert said == [False, False, True, False, False, True, True, False]


def test_what_is_left_takes_as_long_as_what_was_done(clock):
    pace = Pace()
    clock[0] = 106.0
    assert pace.left(2, 5) == pytest.approx(9)
