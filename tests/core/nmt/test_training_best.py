"""Which weights of a run are kept as the best, and which are served."""

import json
from dataclasses import replace

import pytest
import tensorflow as tf

from core.nmt.evaluation import Evaluator
from core.nmt.training import train
from tests.core.nmt.training_runs import HPARAMS, projection_at, served_projection

pytestmark = pytest.mark.slow  # every test here makes a run


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

    def scores(self, corpus, progress=None, *, once=False):
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

    def scores(self, corpus, progress=None, *, once=False):
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
