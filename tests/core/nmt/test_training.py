"""Training: what it leaves on disk, going on after an interruption, and which weights are kept as the best."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from core.nmt.checkpoints import load_model
from core.nmt.dataset import TrainingData, batch_arrays
from core.nmt.errors import NmtError
from core.nmt.evaluation import Evaluator
from core.nmt.hparams import HParams
from core.nmt.training import DataPrefixes, Trainer, train
from core.nmt.vocab import SPECIALS, write_vocab

pytestmark = pytest.mark.slow  # every test here trains a model

HPARAMS = HParams(
    num_units=4,
    num_layers=1,
    attention="scaled_luong",
    optimizer="adam",
    learning_rate=0.01,
    dropout=0.3,
    batch_size=8,
    num_buckets=2,
    num_train_steps=4,
    steps_per_stats=1,
    steps_per_external_eval=2,
    num_keep_ckpts=9,
)


class Killed(Exception):
    """Ends a run from within, as a signal would."""


@pytest.fixture(scope="module")
def prefixes(corpus_dir):
    def choose(*names):
        return DataPrefixes(corpus_dir / "vocab", corpus_dir / "train", **{name: corpus_dir / name for name in names})

    return choose


@pytest.fixture(scope="module")
def trained(prefixes, tmp_path_factory):
    """An uninterrupted run: its directory, its events, and the scores that it gave back."""
    directory, events = tmp_path_factory.mktemp("runs") / "deep" / "model", []
    scores = train(HPARAMS, prefixes("dev", "test"), directory, events.append)
    return directory, events, scores


@pytest.fixture
def counting(monkeypatch):
    """Instead of learning, each step adds 1 to every weight, whatever the batch; the rest of a run is as ever."""
    rows = [np.array([3], np.int32)]
    batches = tf.data.Dataset.from_tensors(batch_arrays(rows, rows)).repeat()

    def step(self, batch, rate, step):
        for variable in self._variables:
            variable.assign_add(tf.ones_like(variable))
        return tf.constant(1.0), tf.constant(1.0)

    monkeypatch.setattr(Trainer, "_replica_step", step)
    monkeypatch.setattr(TrainingData, "batches_from", lambda self, step: batches)


def weights_at(directory, step):
    """Every variable of a checkpoint, optimizer and step included, by name."""
    reader = tf.train.load_checkpoint(str(directory / "ckpt" / f"ckpt-{step}"))
    names = [name for name in reader.get_variable_to_shape_map() if name.endswith("VARIABLE_VALUE")]
    return {name: reader.get_tensor(name) for name in names if "save_counter" not in name}


def served_projection(directory):
    return load_model(directory)[0].projection.numpy()


def projection_at(directory, step):
    return weights_at(directory, step)["model/projection/.ATTRIBUTES/VARIABLE_VALUE"]


def test_a_run_leaves_a_whole_model(trained, corpus_dir):
    directory, _, _ = trained
    assert {path.name for path in directory.iterdir()} == {"hparams.json", "vocab.req", "vocab.rep", "ckpt", "best"}
    assert HParams.load(directory) == HPARAMS
    assert (directory / "vocab.rep").read_bytes() == (corpus_dir / "vocab.rep").read_bytes()
    model, _, _ = load_model(directory)
    assert model.hparams == HPARAMS


def test_events_tell_every_step_and_every_score(trained):
    _, events, scores = trained
    assert [(event.phase, event.step) for event in events] == [
        ("train", 1),
        ("train", 2),
        ("evaluate", 2),
        ("train", 3),
        ("train", 4),
        ("evaluate", 4),
        ("done", 4),
    ]
    assert {event.total for event in events} == {4}
    assert set(events[0].values) == {"lr", "loss", "ppl", "grad_norm", "step_time", "wps", "eta_s"}
    assert events[3].values["eta_s"] > 0
    assert events[4].values["eta_s"] == 0
    # Twelve tokens are about equally likely at first; a sentence has a few.
    assert events[0].values["ppl"] == pytest.approx(11, rel=0.1)
    assert events[0].values["loss"] > math.log(events[0].values["ppl"])
    assert set(events[2].values) == {"step", "dev_ppl", "dev_bleu"}
    assert events[-1].values == scores
    assert set(scores) == {"step", "dev_ppl", "dev_bleu", "test_ppl", "test_bleu"}
    assert all(json.dumps(value) for event in events for value in event.values.values())


def test_the_best_weights_are_on_file_with_their_scores(trained):
    directory, events, scores = trained
    best = json.loads((directory / "best" / "best.json").read_text(encoding="utf-8"))
    assert best in [event.values for event in events if event.phase == "evaluate"]
    assert best == {name: value for name, value in scores.items() if not name.startswith("test_")}
    assert (served_projection(directory) == projection_at(directory, best["step"])).all()


def test_a_run_that_goes_on_ends_with_the_weights_of_one_that_was_never_interrupted(trained, prefixes, tmp_path):
    directory, _, _ = trained
    seen = []

    def until_step_3(event):
        seen.append((event.phase, event.step))
        if event.step == 3:
            raise Killed

    with pytest.raises(Killed):
        train(HPARAMS, prefixes(), tmp_path, until_step_3)
    assert sorted(path.name for path in (tmp_path / "ckpt").glob("*.index")) == ["ckpt-2.index"]

    seen.clear()
    train(HPARAMS, prefixes(), tmp_path, lambda event: seen.append((event.phase, event.step)))
    assert seen[0] == ("train", 3)  # once more, from the checkpoint of step 2
    expected, actual = weights_at(directory, 4), weights_at(tmp_path, 4)
    assert expected.keys() == actual.keys()
    for name, value in expected.items():
        assert actual[name] == pytest.approx(value, abs=1e-6), name


def test_a_run_that_is_done_trains_no_more(trained, prefixes):
    directory, _, scores = trained
    before, events = weights_at(directory, 4), []
    again = train(HPARAMS, prefixes("dev", "test"), directory, events.append)
    assert [event.phase for event in events] == ["evaluate", "done"]
    assert again == pytest.approx(scores, rel=1e-4)
    for name, value in weights_at(directory, 4).items():
        assert (value == before[name]).all()


def test_another_vocabulary_is_refused_before_anything_is_written(trained, prefixes, tmp_path):
    directory, _, _ = trained
    before = {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    for suffix in ("req", "rep"):
        write_vocab(tmp_path / f"vocab.{suffix}", [*SPECIALS, *"hgfedcba"])
    data = replace(prefixes("dev"), vocab=tmp_path / "vocab")
    with pytest.raises(NmtError, match=r"made with another vocabulary, .*vocab\.req: give another --out_dir"):
        train(HPARAMS, data, directory, lambda event: None)
    assert {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("best_from_step", "metrics", "expected"),
    [
        (0, "", 2),  # the lowest perplexity
        (0, "bleu,accuracy", 1),  # the highest of the first metric, and of two alike the lower perplexity
        (3, "", 4),  # of steps 3 and 4 alone
        (9, "", 4),  # none is old enough: the last
    ],
)
@pytest.mark.usefixtures("counting")
def test_dev_chooses_the_best_weights_and_test_scores_them(
    prefixes, tmp_path, monkeypatch, best_from_step, metrics, expected
):
    dev_scores = iter(
        {"ppl": ppl, "bleu": bleu, "accuracy": accuracy}
        for ppl, bleu, accuracy in ((8.0, 5.0, 0.0), (3.0, 2.0, 9.0), (7.0, 4.0, 9.0), (5.0, 4.0, 9.0))
    )
    scored = []

    def scores(self, corpus):
        scored.append(self._decoder._model.projection.numpy())
        found = next(dev_scores, {"ppl": 1.0, "bleu": 0.0, "accuracy": 0.0})
        return {name: found[name] for name in ("ppl", *self._hparams.metric_names)}

    monkeypatch.setattr(Evaluator, "scores", scores)
    hparams = replace(HPARAMS, steps_per_external_eval=1, best_from_step=best_from_step, metrics=metrics)
    result = train(hparams, prefixes("dev", "test"), tmp_path, lambda event: None)
    assert result["step"] == expected
    assert (served_projection(tmp_path) == projection_at(tmp_path, expected)).all()
    assert len(scored) == 5
    assert (scored[-1] == projection_at(tmp_path, expected)).all()


@pytest.mark.usefixtures("counting")
def test_without_dev_the_last_weights_are_the_best_and_dev_may_come_later(prefixes, tmp_path):
    hparams = replace(HPARAMS, num_train_steps=2, steps_per_external_eval=1, metrics="")
    assert train(hparams, prefixes(), tmp_path, lambda event: None) == {"step": 2}
    assert (served_projection(tmp_path) == projection_at(tmp_path, 2)).all()
    later = train(replace(hparams, num_train_steps=3), prefixes("dev"), tmp_path, lambda event: None)
    assert set(later) == {"step", "dev_ppl"}
    assert later["step"] == 3


def test_a_loss_that_is_no_number_ends_the_run_and_no_such_weights_are_kept(prefixes, tmp_path):
    hparams = replace(HPARAMS, steps_per_external_eval=1, optimizer="sgd", learning_rate=1e30)
    with pytest.raises(NmtError, match=r"the loss is .*: train again with a lower --learning_rate"):
        train(hparams, prefixes(), tmp_path, lambda event: None)
    for path in (tmp_path / "ckpt").glob("*.index"):
        for value in weights_at(tmp_path, path.stem.removeprefix("ckpt-")).values():
            assert np.isfinite(value).all()


def test_mistakes_are_found_before_a_directory_is_made(prefixes, corpus_dir, tmp_path):
    out_dir = tmp_path / "model"
    data = prefixes("dev")
    for hparams, prefix, complaint in (
        (replace(HPARAMS, metrics="rouge"), data, "--metrics names 'rouge'"),
        (HPARAMS, replace(data, train=corpus_dir / "trains"), "no file"),
        (HPARAMS, replace(data, dev=corpus_dir / "devs"), "no file"),
        (HPARAMS, replace(data, vocab=corpus_dir / "vocabs"), "no vocabulary file"),
    ):
        with pytest.raises(NmtError, match=complaint):
            train(hparams, prefix, out_dir, lambda event: None)
    assert not out_dir.exists()


@pytest.mark.usefixtures("counting")
def test_one_vocabulary_can_be_shared(prefixes, tmp_path):
    hparams = replace(HPARAMS, num_train_steps=1, share_vocab=True)
    train(hparams, prefixes(), tmp_path, lambda event: None)
    model, src_vocab, tgt_vocab = load_model(tmp_path)
    assert model.target_embedding is model.source_embedding
    assert src_vocab == tgt_vocab
