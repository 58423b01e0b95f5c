"""The learning rate, against values worked out by hand."""

import math

import pytest

from core.nmt.hparams import HParams
from core.nmt.schedules import decay_factor, learning_rate, warmup_factor


@pytest.mark.parametrize(("step", "factor"), [(0, 0.01), (50, 0.1), (75, 10**-0.5), (100, 1.0), (101, 1.0)])
def test_t2t_warmup_grows_exponentially_from_a_hundredth(step, factor):
    assert warmup_factor(HParams(warmup_steps=100), step) == pytest.approx(factor)


def test_warmup_is_tensorflow_nmts_inverse_decay():
    # warmup_factor = exp(log(0.01) / warmup_steps), to the power of the steps that are left.
    hparams = HParams(warmup_steps=300)
    for step in (0, 1, 123, 299):
        assert warmup_factor(hparams, step) == pytest.approx(math.exp(math.log(0.01) / 300) ** (300 - step))


def test_without_warmup_the_first_step_has_the_whole_rate():
    assert warmup_factor(HParams(warmup_steps=0), 0) == 1.0


@pytest.mark.parametrize(
    ("scheme", "total", "factors"),
    [
        # From 1/2 on, every tenth of the training: 50, 60, 70 …
        ("luong5", 100, {0: 1, 49: 1, 50: 1, 59: 1, 60: 0.5, 70: 0.25, 80: 0.125, 99: 0.0625}),
        ("luong10", 100, {54: 1, 55: 0.5, 60: 0.25, 99: 0.5**9}),
        # From 2/3 on, a quarter of the rest each: 80, 90, 100 …
        ("luong234", 120, {79: 1, 89: 1, 90: 0.5, 100: 0.25, 119: 0.125}),
        ("", 100, {0: 1, 99: 1}),
        # tensorflow/nmt's own default of 12,000 steps.
        ("luong5", 12000, {5999: 1, 7199: 1, 7200: 0.5, 8400: 0.25, 11999: 0.5**4, 12000: 0.5**5}),
        ("luong10", 12000, {6599: 1, 6600: 0.5, 11999: 0.5**9}),
        ("luong234", 12000, {8999: 1, 9000: 0.5, 10000: 0.25, 11999: 0.5**3}),
        # Steps that don't divide: from int(1000 * 2 / 3) = 666 on, every int(334 / 4) = 83.
        ("luong234", 1000, {748: 1, 749: 0.5, 831: 0.5, 832: 0.25, 999: 0.5**4}),
        # Fewer steps than halvings.
        ("luong10", 4, {1: 1, 2: 1, 3: 0.5}),
    ],
)
def test_luongs_schemes_halve_the_rate(scheme, total, factors):
    hparams = HParams(decay_scheme=scheme, num_train_steps=total)
    assert {step: decay_factor(hparams, step) for step in factors} == factors


@pytest.mark.parametrize(
    ("step", "factor"), [(0, 1), (20, 1), (45, (1 + math.sqrt(0.5)) / 2), (70, 0.5), (120, 0), (500, 0)]
)
def test_cosine_falls_from_the_end_of_the_warmup_to_nothing(step, factor):
    hparams = HParams(decay_scheme="cosine", warmup_steps=20, num_train_steps=120)
    assert decay_factor(hparams, step) == pytest.approx(factor)


def test_warmup_and_decay_multiply():
    hparams = HParams(learning_rate=2.0, warmup_steps=80, decay_scheme="luong5", num_train_steps=100)
    assert learning_rate(hparams, 0) == pytest.approx(2.0 * 0.01)
    assert learning_rate(hparams, 60) == pytest.approx(2.0 * 0.01 ** (1 / 4) * 0.5)
    assert learning_rate(hparams, 80) == pytest.approx(2.0 * 0.125)
