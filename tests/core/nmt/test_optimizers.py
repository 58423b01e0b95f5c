"""One or two updates, worked out by hand."""

import numpy as np
import pytest
import tensorflow as tf

from core.nmt.optimizers import SGD, Adam, clip_gradients, make_optimizer


def test_sgd_steps_against_the_gradient():
    w = tf.Variable([1.0, -2.0])
    SGD().apply([tf.constant([0.5, -1.0])], [w], tf.constant(0.1))
    assert w.numpy() == pytest.approx([0.95, -1.9])


def test_adams_first_step_has_the_length_of_the_learning_rate():
    w = tf.Variable([1.0, 1.0, 1.0])
    Adam([w]).apply([tf.constant([0.001, -50.0, 0.0])], [w], tf.constant(0.1))
    assert w.numpy() == pytest.approx([0.9, 1.1, 1.0], abs=1e-4)


def test_adam_follows_the_paper_over_two_steps():
    gradients, w, m, v = [3.0, -1.0], 1.0, 0.0, 0.0
    variable = tf.Variable([w])
    adam = Adam([variable])
    for t, g in enumerate(gradients, start=1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        w -= 0.01 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-8)
        adam.apply([tf.constant([g])], [variable], tf.constant(0.01))
    assert variable.numpy() == pytest.approx([w], rel=1e-5)
    assert adam.first[0].numpy() == pytest.approx([m], rel=1e-5)
    assert adam.second[0].numpy() == pytest.approx([v], rel=1e-4)


def test_a_gradient_for_each_variable_is_needed():
    w = tf.Variable([1.0])
    for optimizer in (SGD(), Adam([w])):
        with pytest.raises(ValueError, match="longer"):
            optimizer.apply([], [w], tf.constant(0.1))


def test_the_flag_names_the_optimizer():
    variables = [tf.Variable([1.0])]
    assert isinstance(make_optimizer("sgd", variables), SGD)
    assert isinstance(make_optimizer("adam", variables), Adam)


def test_gradients_are_scaled_to_the_largest_global_norm():
    clipped, norm = clip_gradients([tf.constant([3.0, 0.0]), tf.constant([[4.0]])], 2.0)
    assert float(norm) == pytest.approx(5)
    assert clipped[0].numpy() == pytest.approx([1.2, 0])
    assert clipped[1].numpy() == pytest.approx(np.array([[1.6]]))


def test_small_gradients_stay_as_they_are():
    clipped, norm = clip_gradients([tf.constant([3.0, 4.0])], 6.0)
    assert float(norm) == pytest.approx(5)
    assert clipped[0].numpy() == pytest.approx([3, 4])


def sparse(values):
    """Row 2 of three, twice."""
    return tf.IndexedSlices(tf.constant(values), tf.constant([2, 2]), tf.constant([3, 1]))


def test_a_row_that_a_sparse_gradient_names_twice_counts_twice_in_the_norm():
    clipped, norm = clip_gradients([sparse([[3.0], [4.0]])], 1.0)
    assert float(norm) == pytest.approx(5)
    assert tf.convert_to_tensor(clipped[0]).numpy() == pytest.approx(np.array([[0], [0], [1.4]]))


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_a_sparse_gradient_updates_as_the_dense_one_that_it_stands_for(name):
    results = []
    for gradient in (sparse([[1.0], [2.0]]), tf.constant([[0.0], [0.0], [3.0]])):
        w = tf.Variable([[1.0], [2.0], [3.0]])
        optimizer = make_optimizer(name, [w])
        for _ in range(2):
            optimizer.apply([gradient], [w], tf.constant(0.1))
        results.append(w.numpy())
    assert results[0] == pytest.approx(results[1])
    assert results[0][2, 0] != 3


def test_sgd_adds_the_rows_of_a_sparse_gradient_in_one_order(rng):
    # Many tokens come often in a large batch: threads that took turns at their rows would leave other last bits.
    slices = tf.IndexedSlices(rng.normal(size=(20_000, 64)).astype(np.float32), rng.integers(0, 50, 20_000))
    results = []
    for _ in range(5):
        w = tf.Variable(tf.ones((1000, 64)))
        SGD().apply([slices], [w], tf.constant(0.1))
        results.append(w.numpy())
    assert all((result == results[0]).all() for result in results)
    summed = np.zeros((1000, 64))
    np.add.at(summed, slices.indices, slices.values.astype(np.float64))
    assert np.allclose(results[0], 1 - 0.1 * summed, rtol=1e-4, atol=1e-4)
