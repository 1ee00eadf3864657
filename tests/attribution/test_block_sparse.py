"""Block-sparse matrices: the product from the left is that of the dense matrix, whatever is off the map."""

import numpy as np
import pytest

from swin_np.attribution.block_sparse import BlockSparse
from swin_np.errors import ShapeError
from tests.matching import assert_matches


@pytest.fixture
def matrix(rng):
    return BlockSparse(rng.standard_normal((2, 2, 3)), np.array([[3, 0], [-1, 1]]), np.array([[4, 0, -1], [2, 3, 1]]),
                       (4, 6))


def test_the_dense_matrix_has_each_value_in_its_row_and_column(matrix):
    expected = np.zeros((4, 6))
    for block, (rows, columns) in enumerate([((3, 0), (4, 0, None)), ((None, 1), (2, 3, 1))]):
        for a, row in enumerate(rows):
            for b, column in enumerate(columns):
                if row is not None and column is not None:
                    expected[row, column] = matrix.values[block, a, b]
    assert np.array_equal(matrix.dense(), expected)


@pytest.mark.parametrize("count", [1, 5])
def test_the_product_from_the_left_is_that_of_the_dense_matrix(matrix, rng, count):
    x = rng.standard_normal((count, 4))
    product = x @ matrix
    assert product.shape == (count, 6)
    assert_matches(product, x @ matrix.dense())


@pytest.mark.parametrize("shape", [(4,), (1, 5), (1, 1, 4)])
def test_an_array_that_does_not_fit_is_refused(matrix, shape):
    with pytest.raises(ShapeError, match=r"expected \(q, 4\)"):
        np.ones(shape) @ matrix
