"""Training: what it leaves on disk, going on after an interruption, and which weights are kept as the best."""

import json
import math
from dataclasses import fields, replace
from itertools import repeat

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
    summaries=False,
)


HPARAMS_VALUES = {spec.name: getattr(HPARAMS, spec.name) for spec in fields(HPARAMS)}


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

    def step(self, batch, rate, step):
        for variable in self._variables:
            variable.assign_add(tf.ones_like(variable))
        return tf.constant(1.0), tf.constant(1.0)

    monkeypatch.setattr(Trainer, "_replica_step", step)
    monkeypatch.setattr(TrainingData, "batches_from", lambda self, step: repeat(batch_arrays(rows, rows)))


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

    def scores(self, corpus, progress=None):
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


def scores_by_turn(monkeypatch, **by_metric):
    """Let each evaluation have the next of these scores; the last of them again and again."""
    turns = iter(list(zip(*by_metric.values(), strict=True)))
    last = []

    def scores(self, corpus, progress=None):
        last[:] = next(turns, last)
        return dict(zip(by_metric, last, strict=True))

    monkeypatch.setattr(Evaluator, "scores", scores)


def best_of(directory, name):
    """The step of a kind of best weights, once it is known that these are the weights of that step."""
    step = json.loads((directory / name / "best.json").read_text(encoding="utf-8"))["step"]
    stored = tf.train.load_checkpoint(str(directory / name / "weights")).get_tensor(
        "model/projection/.ATTRIBUTES/VARIABLE_VALUE"
    )
    assert (stored == projection_at(directory, step)).all()
    return step


@pytest.mark.usefixtures("counting")
def test_each_metric_keeps_its_own_best_weights(prefixes, tmp_path, monkeypatch):
    scores_by_turn(monkeypatch, ppl=(9, 9, 9, 9), bleu=(1, 5, 2, 3), rouge=(4, 4, 8, 5), chrf=(1, 2, 1, 1))
    hparams = replace(HPARAMS, steps_per_external_eval=1, metrics="bleu,rouge,chrf")
    events = []
    train(hparams, prefixes("dev"), tmp_path, events.append)
    names = ("best", "best_bleu", "best_rouge", "best_chrf")
    assert [best_of(tmp_path, name) for name in names] == [2, 2, 3, 2]
    assert {path.name for path in tmp_path.glob("best*")} == set(names)
    # One file on disk, however many metrics found the same weights the best.
    data = [tmp_path / name / "weights.data-00000-of-00001" for name in ("best", "best_bleu", "best_chrf")]
    assert len({path.stat().st_ino for path in data}) == 1
    assert [event.values.get("best_rouge") for event in events if event.phase == "train"] == [None, 4, 4, 8]
    assert (served_projection(tmp_path) == projection_at(tmp_path, 2)).all()


@pytest.mark.parametrize(("mean_bleu", "served"), [(7.0, "mean"), (1.0, "step 3")])
@pytest.mark.usefixtures("counting")
def test_the_mean_of_the_kept_checkpoints_is_served_when_it_is_the_best(
    prefixes, tmp_path, monkeypatch, mean_bleu, served
):
    scores_by_turn(monkeypatch, ppl=(9, 9, 9, 9, 9), bleu=(1.0, 2.0, 5.0, 3.0, mean_bleu))
    hparams = replace(HPARAMS, steps_per_external_eval=1, num_keep_ckpts=2, avg_ckpts=True)
    events = []
    scores = train(hparams, prefixes("dev"), tmp_path, events.append)
    [averaged] = [event.values for event in events if event.phase == "average"]
    assert averaged == {"step": 4, "averaged_ckpts": 2, "dev_ppl": 9, "dev_bleu": mean_bleu}
    mean = (projection_at(tmp_path, 3) + projection_at(tmp_path, 4)) / 2
    expected = mean if served == "mean" else projection_at(tmp_path, 3)
    assert served_projection(tmp_path) == pytest.approx(expected, rel=1e-6)
    assert scores.get("averaged_ckpts") == (2 if served == "mean" else None)
    # Training would not go on from the mean.
    longer = replace(hparams, num_train_steps=5)
    train(longer, prefixes("dev"), tmp_path, lambda event: None)
    assert projection_at(tmp_path, 5) == pytest.approx(projection_at(tmp_path, 4) + 1)


@pytest.mark.usefixtures("counting")
def test_one_checkpoint_has_no_mean(prefixes, tmp_path):
    hparams = replace(HPARAMS, num_train_steps=1, avg_ckpts=True, metrics="")
    events = []
    train(hparams, prefixes("dev"), tmp_path, events.append)
    assert [event.phase for event in events] == ["train", "evaluate", "done"]


@pytest.mark.usefixtures("counting")
def test_ten_log_lines_are_a_checkpoint_and_a_perplexity(prefixes, tmp_path, monkeypatch):
    monkeypatch.setattr(Evaluator, "perplexity", lambda self, sources, targets: 3.0)
    hparams = replace(HPARAMS, num_train_steps=25, steps_per_external_eval=20, metrics="", num_keep_ckpts=3)
    events = []
    train(hparams, prefixes("dev"), tmp_path, events.append)
    assert [(e.step, e.values["dev_ppl"]) for e in events if e.phase == "evaluate"] == [(10, 3), (20, 3), (25, 3)]
    assert {path.stem for path in (tmp_path / "ckpt").glob("*.index")} == {"ckpt-10", "ckpt-20", "ckpt-25"}


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


def test_a_language_model_learns_the_target_side_alone(corpus_dir, prefixes, tmp_path):
    hparams = HParams(**{**HPARAMS_VALUES, "language_model": True})
    scores = train(hparams, prefixes("dev"), tmp_path, lambda event: None)
    assert scores["dev_ppl"] < 12
    model, src_vocab, tgt_vocab = load_model(tmp_path)
    assert model.encoder is None
    assert src_vocab == tgt_vocab
    assert not (tmp_path / "vocab.req").exists()


def test_spelt_sources_are_trained_on_and_need_no_vocabulary(prefixes, tmp_path):
    hparams = replace(HPARAMS, use_char_encode=True)
    train(hparams, prefixes("dev"), tmp_path, lambda event: None)
    assert not (tmp_path / "vocab.req").exists()
    model, _, _ = load_model(tmp_path)
    assert model.source_embedding.letters.shape[0] == 262
    train(replace(hparams, num_train_steps=5), prefixes("dev"), tmp_path, lambda event: None)


@pytest.mark.parametrize("share_vocab", [False, True])
def test_given_vectors_stay_as_they_are_and_are_kept_with_the_model(prefixes, tmp_path, share_vocab):
    (tmp_path / "embed.req").write_text("2 3\na 1 2 3\nb 4 5 6\n", encoding="utf-8")
    hparams = replace(HPARAMS, share_vocab=share_vocab)
    data = replace(prefixes("dev"), embed=tmp_path / "embed")
    train(hparams, data, tmp_path / "model", lambda event: None)
    (tmp_path / "embed.req").unlink()
    # Going on and answering need the file no more.
    train(replace(hparams, num_train_steps=6), data, tmp_path / "model", lambda event: None)
    model, src_vocab, _ = load_model(tmp_path / "model")
    rows = model.source_embedding(src_vocab.ids(["b", "a"])).numpy()
    assert rows.tolist() == [[4, 5, 6], [1, 2, 3]]
    assert model.target_embedding.size == (3 if share_vocab else 4)


def test_vectors_that_are_not_there_are_named(prefixes, tmp_path):
    data = replace(prefixes(), embed=tmp_path / "embed")
    with pytest.raises(NmtError, match=r"neither .*embed\.req nor .*embed\.rep is there: check --embed_prefix"):
        train(HPARAMS, data, tmp_path / "model", lambda event: None)
    assert not (tmp_path / "model").exists()


@pytest.mark.usefixtures("counting")
def test_a_vocabulary_without_specials_gets_them_and_is_kept_so(prefixes, tmp_path):
    for suffix in ("req", "rep"):
        (tmp_path / f"vocab.{suffix}").write_text("".join(f"{letter}\n" for letter in "abcdefgh"), encoding="utf-8")
    hparams = replace(HPARAMS, num_train_steps=1, metrics="", sos="<go>", eos="<stop>")
    data = replace(prefixes("dev"), vocab=tmp_path / "vocab")
    for _ in range(2):  # once more: the vocabulary that is kept is no other
        train(hparams, data, tmp_path / "model", lambda event: None)
    kept = (tmp_path / "model" / "vocab.rep").read_text(encoding="utf-8").split()
    assert kept == ["<unk>", "<go>", "<stop>", *"abcdefgh"]
    with pytest.raises(NmtError, match="holds no <go> and no <stop>"):
        train(replace(hparams, check_special_token=False), data, tmp_path / "other", lambda event: None)


def test_specials_may_stand_anywhere_when_they_are_not_checked(prefixes, tmp_path):
    tokens = ["a", "</s>", *"bcdefgh", "<s>"]
    for suffix in ("req", "rep"):
        (tmp_path / f"vocab.{suffix}").write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
    hparams = replace(HPARAMS, check_special_token=False)
    train(hparams, replace(prefixes("dev"), vocab=tmp_path / "vocab"), tmp_path / "model", lambda event: None)
    _, _, tgt_vocab = load_model(tmp_path / "model")
    assert (tgt_vocab.sos_id, tgt_vocab.eos_id) == (9, 1)


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
