"""Which weights are kept, on checkpoints that only note what they were asked for."""

import pytest

from core.nmt.hparams import HParams
from core.nmt.selection import Selection


class FakeCheckpoints:
    """Keeps scores, and which of them were written as weights of their own."""

    def __init__(self):
        self.kept, self.written = {}, []

    def best(self, metric=""):
        return self.kept.get(metric)

    def save_best(self, scores, metric=""):
        self.kept[metric] = scores
        self.written.append((scores["step"], metric or "served"))

    def share_best(self, metric):
        self.kept[metric] = self.kept[""]


def select(*scores, **flags):
    checkpoints = FakeCheckpoints()
    selection = Selection(HParams(**flags), checkpoints)
    for one in scores:
        selection.consider(one)
    return checkpoints, selection


def scored(step, ppl, **by_metric):
    return {"step": step, "dev_ppl": ppl, **{f"dev_{name}": value for name, value in by_metric.items()}}


@pytest.mark.parametrize(
    ("scores", "flags", "step"),
    [
        ([scored(1, 9, bleu=1), scored(2, 9, bleu=3), scored(3, 1, bleu=2)], {}, 2),
        ([scored(1, 9, bleu=1), scored(2, 8, bleu=1), scored(3, 9, bleu=1)], {}, 2),
        ([scored(1, 9, bleu=1), scored(2, 9, bleu=1)], {}, 2),
        ([scored(1, 2), scored(2, 3)], {"metrics": ""}, 1),
        ([scored(1, 9, bleu=9), scored(2, 9, bleu=1), scored(3, 9, bleu=0)], {"best_from_step": 2}, 2),
        ([{"step": 1}, {"step": 2}], {}, 2),
        ([{"step": 2}, scored(2, 9, bleu=0)], {}, 2),
        ([scored(1, 1, rouge=90), scored(2, 9, bleu=1)], {}, 2),
    ],
    ids=[
        "the first metric decides",
        "then perplexity",
        "then the later",
        "without metrics perplexity",
        "not before best_from_step",
        "without dev the later",
        "with dev afresh",
        "by another metric afresh",
    ],
)
def test_the_served_weights_are_the_best_on_dev(scores, flags, step):
    checkpoints, _ = select(*scores, **flags)
    assert checkpoints.kept[""]["step"] == step
    assert set(checkpoints.kept) == {""}


def test_each_of_several_metrics_has_its_own_best():
    checkpoints, selection = select(
        scored(1, 9, bleu=1, rouge=5),
        scored(2, 9, bleu=2, rouge=4),
        scored(3, 9, bleu=0, rouge=7),
        metrics="bleu,rouge",
    )
    assert {metric: scores["step"] for metric, scores in checkpoints.kept.items()} == {"": 2, "bleu": 2, "rouge": 3}
    # Step 1 was the best by both, and was written once.
    assert checkpoints.written == [(1, "served"), (2, "served"), (3, "rouge")]
    assert selection.best_scores() == {"best_bleu": 2, "best_rouge": 7}


def test_the_mean_of_checkpoints_is_compared_like_any_weights():
    mean = {**scored(2, 9, bleu=3), "averaged_ckpts": 2}
    assert select(scored(2, 9, bleu=2), mean)[0].kept[""] == mean
    assert select(scored(2, 9, bleu=4), mean)[0].kept[""] == scored(2, 9, bleu=4)
    # Training that goes on is compared with the mean that is served.
    assert select(mean, scored(3, 9, bleu=2))[0].kept[""] == mean


def test_nothing_is_best_before_the_first_evaluation():
    assert select()[1].best_scores() == {}
    assert select({"step": 1})[1].best_scores() == {}
