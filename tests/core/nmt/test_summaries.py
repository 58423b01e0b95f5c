"""TensorBoard's files, read back."""

import tensorflow as tf

from core.nmt.summaries import Summaries


def read(directory):
    """tag, step, plugin and value of everything in the files, in order."""
    return [
        (value.tag, event.step, value.metadata.plugin_data.plugin_name, tf.make_ndarray(value.tensor).item())
        for path in sorted(directory.glob("events*"))
        for event in map(tf.compat.v1.Event.FromString, tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
        for value in event.summary.value
    ]


def test_numbers_are_curves_and_texts_are_texts(tmp_path):
    summaries = Summaries(tmp_path / "log")
    summaries.scalars(3, {"lr": 0.5, "ppl": 7.0, "dev_bleu": 12.25})
    summaries.flush()
    assert read(tmp_path / "log") == [
        ("lr", 3, "scalars", 0.5),
        ("train_ppl", 3, "scalars", 7.0),
        ("dev_bleu", 3, "scalars", 12.25),
    ]
    summaries.text(4, "samples/0", "src: 안녕")
    summaries.close()
    assert read(tmp_path / "log")[3:] == [("samples/0", 4, "text", "src: 안녕".encode())]


def test_a_run_that_goes_on_adds_a_file(tmp_path):
    for step in (1, 2):
        summaries = Summaries(tmp_path)
        summaries.scalars(step, {"lr": 1.0})
        summaries.close()
    assert len(list(tmp_path.glob("events*"))) == 2
    assert {step for _, step, _, _ in read(tmp_path)} == {1, 2}  # names given in one second don't sort by time


def test_without_a_directory_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    summaries = Summaries(None)
    summaries.scalars(1, {"lr": 0.5})
    summaries.text(1, "samples/0", "src")
    summaries.flush()
    summaries.close()
    assert list(tmp_path.iterdir()) == []
