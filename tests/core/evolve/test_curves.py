"""Curves come out of the progress file as it was measured, whatever else is in it."""

import json

import pytest

from core.evolve.curves import read_curves
from core.evolve.errors import EvolveError


def write(tmp_path, *lines):
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    (tmp_path / "progress.jsonl").write_text(text, encoding="utf-8")
    return tmp_path


def test_each_measure_is_a_curve_of_its_own(tmp_path):
    run = write(
        tmp_path,
        {"phase": "train", "step": 10, "loss": 8.0, "ppl": 100.5, "wps": 9000},
        {"phase": "evaluate", "step": 10, "dev_ppl": 120.0, "dev_bleu": 1.5},
        {"phase": "train", "step": 20, "loss": 4, "ppl": 10.0},
        {"phase": "done", "step": 20},
    )
    assert read_curves(run) == {
        "loss": ((10, 8.0), (20, 4.0)),
        "ppl": ((10, 100.5), (20, 10.0)),
        "dev_ppl": ((10, 120.0),),
        "dev_bleu": ((10, 1.5),),
    }


def test_a_resumed_training_counts_with_its_later_values_in_order_of_step(tmp_path):
    run = write(tmp_path, {"step": 10, "loss": 3.0}, {"step": 20, "loss": 2.0}, {"step": 10, "loss": 2.5})
    assert read_curves(run) == {"loss": ((10, 2.5), (20, 2.0))}


def test_what_is_no_measurement_is_left_out(tmp_path):
    run = write(
        tmp_path,
        *('{"step": 1, "loss": 1}', "[1]", '{"step": 2, "loss": NaN}', '{"step": 3, "loss": true}'),
        *('{"step": "4", "loss": 1}', '{"loss": 1}', '{"step": 5, "loss": "1"}', '{"step": 6, "lo'),
    )
    assert read_curves(run) == {"loss": ((1, 1.0),)}


def test_a_run_without_a_progress_file_has_no_curves(tmp_path):
    assert read_curves(tmp_path) == {}


def test_a_progress_file_that_cannot_be_read_is_said(tmp_path):
    (tmp_path / "progress.jsonl").mkdir()
    with pytest.raises(EvolveError, match="can't read"):
        read_curves(tmp_path)
