"""Matrices from tokens to tokens that are zero but for small blocks, as attention in windows and patch merging are."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from swin_np.errors import ShapeError
from swin_np.functional import Array


@dataclass(frozen=True)
class BlockSparse:
    """A matrix of the given shape, of which only n blocks are stored: no row and no column is in two of them.

    values (n, k, l): entry [i, a, b] is the one in row rows[i, a] and column columns[i, b]. rows (n, k), columns
    (n, l): numbers of tokens; -1 is a token that is not on the map, such as padding, and no part of the matrix.
    """

    values: Array
    rows: Array
    columns: Array
    shape: tuple[int, int]
    __array_ufunc__: ClassVar[None] = None             # so that NumPy leaves `x @ matrix` to __rmatmul__

    def __rmatmul__(self, x: Array) -> Array:
        """x @ matrix, (q, rows) -> (q, columns); ShapeError for another number of rows."""
        if x.ndim != 2 or x.shape[1] != self.shape[0]:
            raise ShapeError(f"an array {x.shape} was multiplied with a matrix {self.shape}, expected "
                             f"(q, {self.shape[0]}): give a number for each of its rows")
        off_the_map = np.zeros((len(x), 1), x.dtype)
        blocks = np.hstack([x, off_the_map])[:, self.rows].swapaxes(0, 1)               # (n, q, k)
        result = np.zeros((len(x), self.shape[1] + 1), np.result_type(x, self.values))  # the last column is number -1
        result[:, self.columns] = (blocks @ self.values).swapaxes(0, 1)
        return result[:, :-1]

    def dense(self) -> Array:
        """The whole matrix, with all its zeros."""
        whole = np.zeros((self.shape[0] + 1, self.shape[1] + 1), self.values.dtype)     # the last ones are number -1
        whole[self.rows[:, :, None], self.columns[:, None, :]] = self.values
        return whole[:-1, :-1]
