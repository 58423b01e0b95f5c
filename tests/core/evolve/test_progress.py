"""Reading a progress file that is still being written."""

import json

from core.evolve.progress import Progress, ProgressFile


def append(path, text):
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def line(**values):
    return json.dumps(values) + "\n"


def test_there_is_nothing_before_the_engine_has_started(tmp_path):
    progress = ProgressFile(tmp_path / "progress.jsonl", total=500)
    assert not progress.advance()
    assert progress.latest == Progress("train", 0, 500)


def test_each_line_is_read_once_and_the_last_one_counts(tmp_path):
    path = tmp_path / "progress.jsonl"
    progress = ProgressFile(path, total=500)
    append(path, line(phase="train", step=10, total=500, loss=9.0, wps=100.0, eta_s=49.0))
    append(path, line(phase="train", step=20, total=500, loss=8.0, wps=110.0, eta_s=48.0))
    assert progress.advance()
    assert progress.latest == Progress("train", 20, 500, loss=8.0, words_per_second=110.0, eta_s=48.0)
    assert not progress.advance()


def test_half_a_line_waits_for_its_other_half(tmp_path):
    path = tmp_path / "progress.jsonl"
    progress = ProgressFile(path, total=500)
    whole = line(phase="train", step=10, total=500, loss=9.0)
    append(path, whole[:20])
    assert not progress.advance()
    append(path, whole[20:])
    assert progress.advance()
    assert progress.latest.step == 10


def test_an_evaluation_keeps_loss_and_speed_and_adds_its_score(tmp_path):
    path = tmp_path / "progress.jsonl"
    progress = ProgressFile(path, total=500)
    append(path, line(phase="train", step=10, total=500, loss=9.0, wps=100.0, eta_s=49.0))
    append(path, line(phase="evaluate", step=10, total=500, dev_bleu=3.2, dev_ppl=12.0))
    progress.advance()
    assert progress.latest == Progress("train", 10, 500, 9.0, 100.0, 49.0, dev_bleu=3.2)


def test_a_damaged_line_is_logged_and_passed_over(tmp_path, caplog):
    path = tmp_path / "progress.jsonl"
    progress = ProgressFile(path, total=500)
    append(path, "no json\n[1]\n" + line(phase="train", step=10, total=500))
    assert progress.advance()
    assert progress.latest.step == 10
    assert "no json" in caplog.text
