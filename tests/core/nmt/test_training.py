"""Training: what it leaves on disk, what it tells on the way, and going on after an interruption."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from core.nmt.checkpoints import load_model
from core.nmt.errors import NmtError
from core.nmt.hparams_file import load_hparams
from core.nmt.training import Trainer, train
from core.nmt.vocab import SPECIALS, write_vocab
from tests.core.nmt.training_runs import HPARAMS, projection_at, served_projection, weights_at

pytestmark = pytest.mark.slow  # every test here trains a model


class Killed(Exception):
    """Ends a run from within, as a signal would."""


@pytest.fixture(scope="module")
def trained(prefixes, tmp_path_factory):
    """An uninterrupted run: its directory, its events, and the scores that it gave back."""
    directory, events = tmp_path_factory.mktemp("runs") / "deep" / "model", []
    scores = train(HPARAMS, prefixes("dev", "test"), directory, events.append)
    return directory, events, scores


def test_a_run_leaves_a_whole_model(trained, corpus_dir):
    directory, _, _ = trained
    assert {path.name for path in directory.iterdir()} == {"hparams.json", "vocab.req", "vocab.rep", "ckpt", "best"}
    assert load_hparams(directory) == HPARAMS
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
    assert set(events[0].values) == {"lr", "loss", "ppl", "grad_norm", "clip_ratio", "step_time", "wps", "eta_s"}
    assert set(events[4].values) == {*events[0].values, "best_bleu"}
    assert events[4].values["best_bleu"] == events[2].values["dev_bleu"]
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


VARIANTS = {
    "plain": {},
    "sampled": {"num_sampled_softmax": 4, "optimizer": "sgd", "learning_rate": 0.5},
    "bi gru": {"encoder_type": "bi", "num_layers": 2, "unit_type": "gru", "warmup_steps": 3, "decay_scheme": "luong5"},
}


@pytest.mark.parametrize("flags", VARIANTS.values(), ids=VARIANTS)
def test_a_run_that_goes_on_has_bit_by_bit_the_weights_of_one_that_was_never_interrupted(prefixes, tmp_path, flags):
    # Thirty pairs are five batches, so both runs see the beginning of a second and third epoch.
    hparams = replace(HPARAMS, num_train_steps=12, steps_per_external_eval=4, metrics="", **flags)
    whole, parts, seen = tmp_path / "whole", tmp_path / "parts", []
    train(hparams, prefixes("dev"), whole, lambda event: None)

    def until_step_7(event):
        if event.step == 7:
            raise Killed

    with pytest.raises(Killed):
        train(hparams, prefixes("dev"), parts, until_step_7)
    assert sorted(path.name for path in (parts / "ckpt").glob("*.index")) == ["ckpt-4.index"]
    train(hparams, prefixes("dev"), parts, lambda event: seen.append((event.phase, event.step)))
    assert seen[0] == ("train", 5)  # once more, from the checkpoint of step 4
    for step in (8, 12):
        expected, actual = weights_at(whole, step), weights_at(parts, step)
        assert expected.keys() == actual.keys()
        for name, value in expected.items():
            assert (actual[name] == value).all(), name
    assert (parts / "best" / "best.json").read_bytes() == (whole / "best" / "best.json").read_bytes()
    assert (served_projection(parts) == served_projection(whole)).all()


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
        (HPARAMS, replace(data, train=corpus_dir / "trains"), "no file"),
        (HPARAMS, replace(data, dev=corpus_dir / "devs"), "no file"),
        (HPARAMS, replace(data, vocab=corpus_dir / "vocabs"), "no vocabulary file"),
    ):
        with pytest.raises(NmtError, match=complaint):
            train(hparams, prefix, out_dir, lambda event: None)
    assert not out_dir.exists()


def summaries_of(directory):
    """What TensorBoard would show: tag -> {step: value}."""
    found = {}
    for path in directory.glob("train_log/events*"):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                shown = tf.make_ndarray(value.tensor).item()
                found.setdefault(value.tag, {})[event.step] = (value.metadata.plugin_data.plugin_name, shown)
    return found


def test_tensorboard_is_told_what_the_log_says(prefixes, tmp_path):
    hparams = replace(HPARAMS, summaries=True, avg_ckpts=True)
    events = []
    train(hparams, prefixes("dev", "test"), tmp_path, events.append)
    found = summaries_of(tmp_path)
    for tag, name in {
        "lr": "lr",
        "train_loss": "loss",
        "train_ppl": "ppl",
        "grad_norm": "grad_norm",
        "clip_ratio": "clip_ratio",
        "avg_step_time": "step_time",
        "speed": "wps",
    }.items():
        told = {event.step: event.values[name] for event in events if event.phase == "train"}
        assert {step: plugin for step, (plugin, _) in found[tag].items()} == dict.fromkeys(told, "scalars")
        assert {step: value for step, (_, value) in found[tag].items()} == pytest.approx(told, rel=1e-5)
    assert set(found["dev_ppl"]) == set(found["dev_bleu"]) == {2, 4}
    assert set(found["avg_dev_bleu"]) == {4}
    assert list(found["test_bleu"]) == [events[-1].values["step"]]
    samples = [shown.popitem() for tag, shown in found.items() if tag.startswith("samples/")]
    assert {plugin for _, (plugin, _) in samples} == {"text"}
    assert all(text.decode().startswith("src: ") and "nmt: " in text.decode() for _, (_, text) in samples)


def test_nothing_is_traced_again_after_the_first_step(prefixes, tmp_path, monkeypatch):
    traced = []

    def run(self, goals):
        result = original(self, goals)
        functions = (self._step, self._evaluator._loss, self._evaluator._decoder._search)
        traced.append([function.experimental_get_tracing_count() for function in functions])
        return result

    original = Trainer.run
    monkeypatch.setattr(Trainer, "run", run)
    # Three epochs in buckets of several widths, scored three times.
    hparams = replace(HPARAMS, num_train_steps=18, steps_per_external_eval=6, num_buckets=3)
    train(hparams, prefixes("dev", "test"), tmp_path, lambda event: None)
    assert traced == [[1, 1, 1]]
