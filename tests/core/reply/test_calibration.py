"""Logistic models: fitted, kept as plain numbers, and read again."""

import json
import math

import numpy as np
import pytest

from core.reply import MODES, ReplyError
from core.reply.calibration import DEFAULT, LOOKS_AT, RANKED_BY, Calibration, Logistic, Ranking
from core.reply.evidence import FEATURES, Evidence
from core.reply.regression import fit_logistic, fit_ranking


def examples(weight, bias, count=4000):
    """Random similarities, right as often as a known model says."""
    rng = np.random.default_rng(3)
    features = np.zeros((count, len(FEATURES)))
    features[:, 0] = rng.random(count)
    right = rng.random(count) < 1 / (1 + np.exp(-(weight * features[:, 0] + bias)))
    return features, right.astype(float)


def test_a_probability_is_the_logistic_function_of_the_weighted_features():
    model = Logistic({"similarity": 2.0, "log_prob": 0.5}, -1.0)
    [found] = model.probabilities([Evidence(similarity=0.8, log_prob=-2.0, lead=-7.0)])
    assert found == pytest.approx(1 / (1 + math.exp(-(1.6 - 1.0 - 1.0))))
    assert model.probabilities([]) == []


def test_fitting_finds_the_model_that_the_examples_came_from():
    model = fit_logistic(*examples(6.0, -3.0), ["similarity"])
    assert model.weights["similarity"] == pytest.approx(6.0, abs=0.6)
    assert model.bias == pytest.approx(-3.0, abs=0.4)


def test_a_feature_that_never_varies_weighs_nothing():
    model = fit_logistic(*examples(6.0, -3.0), ["similarity", "support"])
    assert model.weights["support"] == 0.0


def test_examples_that_are_all_right_give_finite_weights():
    features, _ = examples(6.0, -3.0, count=50)
    model = fit_logistic(features, np.ones(50), ["similarity"])
    assert all(map(math.isfinite, (model.bias, *model.weights.values())))
    assert min(model.probabilities([Evidence(similarity=0.5)])) > 0.9


def test_a_ranking_learns_which_feature_tells_right_from_wrong_within_a_question():
    rng = np.random.default_rng(5)
    features = rng.random((300, len(FEATURES)))
    questions = np.repeat(np.arange(100), 3)
    right = np.zeros(300)
    # The likeliest of the first 90 questions is right; the last ten have no right candidate.
    places = FEATURES.index("log_prob")
    for number in range(90):
        rows = np.flatnonzero(questions == number)
        right[rows[features[rows, places].argmax()]] = 1
    ranking = fit_ranking(features, right, questions)
    assert set(ranking.weights) == set(RANKED_BY)
    assert ranking.weights["log_prob"] > 5 * max(abs(ranking.weights[name]) for name in RANKED_BY if name != "log_prob")
    better, worse = ranking.scores([Evidence(log_prob=-0.5), Evidence(log_prob=-3.0)])
    assert better > worse


def test_hybrid_ranks_by_the_ranking_and_none_is_likelier_than_the_one_before():
    models = {mode: Logistic({"similarity": 1.0}, 0.0) for mode in MODES}
    calibration = Calibration(Ranking({"log_prob": 1.0}), models, {"hybrid": 0.3}, "by hand")
    evidence = [Evidence(similarity=0.9, support=1.0, log_prob=-5.0), Evidence(similarity=0.2, support=2.0)]
    (first, chance), (second, capped) = calibration.chances("hybrid", evidence)
    assert (first, second) == (1, 0)
    assert chance == capped == pytest.approx(1 / (1 + math.exp(-0.2)))
    assert [at for at, _ in calibration.chances("memory", evidence)] == [1, 0]
    assert [at for at, _ in calibration.chances("neural", evidence)] == [0, 1]
    assert calibration.chances("hybrid", []) == []


def test_it_is_read_as_it_was_written(tmp_path):
    DEFAULT.save(tmp_path / "calibration.json")
    assert Calibration.load(tmp_path / "calibration.json") == DEFAULT
    assert json.loads((tmp_path / "calibration.json").read_text(encoding="utf-8"))["thresholds"] == DEFAULT.thresholds


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"version": 2, "models": {}}'])
def test_a_file_that_is_none_is_told(tmp_path, content):
    path = tmp_path / "calibration.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ReplyError, match="is no calibration"):
        Calibration.load(path)


def test_the_built_in_one_knows_every_mode_and_lets_the_engine_alone_always_answer():
    assert set(DEFAULT.models) == set(MODES) == set(LOOKS_AT)
    assert DEFAULT.threshold_of("neural") == 0.0 < DEFAULT.threshold_of("memory") < DEFAULT.threshold_of("hybrid") < 0.2
    assert all(set(DEFAULT.models[mode].weights) <= set(LOOKS_AT[mode]) for mode in MODES)
