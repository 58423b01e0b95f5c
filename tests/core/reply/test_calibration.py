"""Logistic models: fitted, kept as plain numbers, and read again."""

import json
import math

import numpy as np
import pytest

from core.reply import MODES, ReplyError
from core.reply.calibration import DEFAULT, LOOKS_AT, Calibration, Logistic
from core.reply.evidence import FEATURES, Evidence
from core.reply.regression import fit_logistic


def examples(weight, bias, count=4000):
    """Random similarities, right as often as a known model says."""
    rng = np.random.default_rng(3)
    features = np.zeros((count, len(FEATURES)))
    features[:, 0] = rng.random(count)
    right = rng.random(count) < 1 / (1 + np.exp(-(weight * features[:, 0] + bias)))
    return features, right.astype(float)


def test_a_probability_is_the_logistic_function_of_the_weighted_features():
    model = Logistic({"nearest": 2.0, "log_prob": 0.5}, -1.0)
    [found] = model.probabilities([Evidence(nearest=0.8, log_prob=-2.0)])
    assert found == pytest.approx(1 / (1 + math.exp(-(1.6 - 1.0 - 1.0))))
    assert model.probabilities([]) == []


def test_fitting_finds_the_model_that_the_examples_came_from():
    model = fit_logistic(*examples(6.0, -3.0), ["nearest"])
    assert model.weights["nearest"] == pytest.approx(6.0, abs=0.6)
    assert model.bias == pytest.approx(-3.0, abs=0.4)


def test_a_feature_that_never_varies_weighs_nothing():
    model = fit_logistic(*examples(6.0, -3.0), ["nearest", "share"])
    assert model.weights["share"] == 0.0


def test_examples_that_are_all_right_give_finite_weights():
    features, _ = examples(6.0, -3.0, count=50)
    model = fit_logistic(features, np.ones(50), ["nearest"])
    assert all(map(math.isfinite, (model.bias, *model.weights.values())))
    assert min(model.probabilities([Evidence(nearest=0.5)])) > 0.9


def test_no_candidate_is_likelier_than_the_one_before():
    calibration = Calibration({mode: Logistic({"share": 1.0}, 0.0) for mode in MODES}, "by hand")
    first, capped = calibration.chances("hybrid", [Evidence(share=0.2), Evidence(share=0.9)])
    assert first == capped == pytest.approx(1 / (1 + math.exp(-0.2)))
    assert calibration.chances("hybrid", []) == []


def test_it_is_read_as_it_was_written(tmp_path):
    DEFAULT.save(tmp_path / "calibration.json")
    assert Calibration.load(tmp_path / "calibration.json") == DEFAULT


def test_numbers_of_an_older_version_are_not_used(tmp_path):
    path = tmp_path / "calibration.json"
    DEFAULT.save(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, "version": 1, "origin": "older"}), encoding="utf-8")
    assert Calibration.load(path) is DEFAULT


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"version": 3, "models": {}}'])
def test_a_file_that_is_none_is_told(tmp_path, content):
    path = tmp_path / "calibration.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ReplyError, match="is no calibration"):
        Calibration.load(path)


def test_the_built_in_one_knows_every_mode_and_trusts_what_is_near():
    assert set(DEFAULT.models) == set(MODES) == set(LOOKS_AT)
    assert all(set(DEFAULT.models[mode].weights) == set(LOOKS_AT[mode]) for mode in MODES)
    for mode in ("hybrid", "memory"):
        near, far = (DEFAULT.chances(mode, [Evidence(one, one)])[0] for one in (0.95, 0.3))
        assert near > 0.5 > 0.25 > far
