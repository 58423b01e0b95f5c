"""What a log line says, worked out by hand."""

import math

import numpy as np
import pytest

from core.nmt.errors import NmtError
from core.nmt.stats import Stats


def batch(source_lengths, target_lengths):
    nothing = np.zeros((0,), np.int32)
    return nothing, np.array(source_lengths, np.int32), nothing, nothing, np.array(target_lengths, np.int32)


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""
    now = [100.0]
    monkeypatch.setattr("core.nmt.stats.time.perf_counter", lambda: now[0])
    return now


def test_a_line_tells_means_over_its_steps(clock):
    stats = Stats(step=10, max_gradient_norm=5.0)
    stats.add(30.0, 4.0, batch([3, 4], [2, 5]))
    stats.add(12.0, 20.0, batch([6], [7]))
    clock[0] = 104.0
    assert stats.summary(12, total=20) == pytest.approx(
        {
            "loss": 42 / 3,
            "ppl": math.exp(42 / 14),
            "grad_norm": 12,
            "clip_ratio": (1 + 5 / 20) / 2,
            "step_time": 2,
            "wps": (13 + 14) / 4,
            "eta_s": 16,
        }
    )


def test_time_in_which_nothing_was_trained_does_not_count(clock):
    stats = Stats(step=0, max_gradient_norm=5.0)
    stats.add(1.0, 1.0, batch([1], [1]))
    clock[0] = 110.0
    stats.leave_out(8.0)
    assert stats.summary(1, total=1)["step_time"] == 2


def test_a_perplexity_too_large_for_a_number_is_cut(clock):
    stats = Stats(step=0, max_gradient_norm=5.0)
    stats.add(5000.0, 0.0, batch([1], [1]))
    clock[0] = 101.0
    summary = stats.summary(1, total=1)
    assert summary["ppl"] == math.exp(100)
    assert summary["clip_ratio"] == 1


@pytest.mark.parametrize(("loss", "norm"), [(math.nan, 1.0), (math.inf, 1.0), (1.0, math.nan)])
def test_what_is_no_number_ends_the_training(loss, norm):
    with pytest.raises(NmtError, match="train again with a lower --learning_rate"):
        Stats(0, 5.0).add(loss, norm, batch([1], [1]))
