"""Products of few rows."""

import numpy as np

from core.nmt.numpy_layers import SPARE, multiply


def test_products_of_few_and_of_many_rows():
    generator = np.random.default_rng(0)
    kernel = generator.normal(size=(6, 8)).astype("f")
    for count in (1, 2, 3, 4, 5, 7, 8, 61, 64, 66):
        wide = generator.normal(size=(count, 3, 6)).astype("f")
        rows = wide[:, 1]  # with something else between them, as in a state
        room = np.full((count + SPARE, 2, 8), np.nan, "f")[:, 1]
        np.testing.assert_allclose(multiply(rows, kernel), rows @ kernel, rtol=1e-5, atol=1e-6)
        product = multiply(rows, kernel, room)
        assert np.shares_memory(product, room)
        np.testing.assert_allclose(room[:count], rows @ kernel, rtol=1e-5, atol=1e-6)
