"""How weights begin, and the rows of an embedding."""

import math

import numpy as np
import pytest
import tensorflow as tf

from core.nmt.embeddings import Embedding, make_initializer
from core.nmt.hparams import HParams


def draw(shape, seed=3, **flags):
    generator = tf.random.Generator.from_seed(seed, alg="philox")
    return make_initializer(HParams(**flags), generator)(shape).numpy()


def test_uniform_weights_lie_between_the_init_weight_and_its_negative():
    weights = draw((60, 50), init_weight=0.2)
    assert 0.19 < weights.max() <= 0.2
    assert -0.2 <= weights.min() < -0.19
    assert abs(weights.mean()) < 0.01


@pytest.mark.parametrize("init_op", ["glorot_uniform", "glorot_normal"])
def test_glorots_variance_is_2_over_rows_and_columns(init_op):
    weights = draw((120, 80), init_op=init_op)
    # A normal draw beyond two standard deviations is drawn again, which leaves 0.774 of the variance.
    expected = 2 / 200 * (0.774 if init_op == "glorot_normal" else 1)
    assert weights.var() == pytest.approx(expected, rel=0.05)
    if init_op == "glorot_uniform":
        assert np.abs(weights).max() <= math.sqrt(6 / 200)


@pytest.mark.parametrize("init_op", ["uniform", "glorot_uniform", "glorot_normal"])
def test_weights_depend_on_the_seed_alone(init_op):
    assert (draw((3, 4), init_op=init_op) == draw((3, 4), init_op=init_op)).all()
    assert (draw((3, 4), init_op=init_op) != draw((3, 4), seed=4, init_op=init_op)).any()


def test_an_id_has_its_row(init):
    embedding = Embedding(6, 3, init, "embedding")
    ids = np.array([[5, 0], [5, 2]], np.int32)
    assert (embedding(ids).numpy() == embedding.table.numpy()[ids]).all()
