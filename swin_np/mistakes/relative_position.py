"""Section 3.2: what goes wrong with the relative position bias of Eq. 4: its index and its table."""

import numpy as np

from swin_np.attention import relative_position_index
from swin_np.functional import Array, pair
from swin_np.mistakes.mistake import ATTENTION, mistake
from swin_np.windows import Size

INDEX = "swin_np.attention.relative_position_index"
BIAS = "swin_np.attention.relative_position_bias"
EQ_4 = "section 3.2, Eq. 4"


def displacements(m: int, n: int) -> Array:
    """Rows and columns from each key to each query of a window, from -(M-1) to M-1: (2, M^2, M^2)."""
    position = np.indices((m, n)).reshape(2, -1)
    return position[:, :, None] - position[:, None, :]


@mistake(INDEX, place=EQ_4, modules=ATTENTION,
         says="The displacement is key minus query instead of query minus key, so the bias of every pair is that of "
              "the pair seen from the other end.",
         fix="Subtract the key's position from the query's: rows of the index are queries.")
def index_transposed(window: Size) -> Array:
    m, n = pair(window)
    down, right = -displacements(m, n)
    return (down + m - 1) * (2 * n - 1) + right + n - 1


@mistake(INDEX, place=EQ_4, modules=ATTENTION,
         says="The row displacement is multiplied by 2N instead of 2N-1, N being the window's width (2M and 2M-1 if it "
              "is square), so the index runs past the table; JAX and others take the last row then, without an error.",
         fix="Multiply by 2N-1, the number of displacements along a row of a window that is N wide; that is 2M-1 if "
             "the window is square.")
def index_factor_2m(window: Size) -> Array:
    m, n = pair(window)
    down, right = displacements(m, n)
    index = (down + m - 1) * (2 * n) + right + n - 1
    return np.minimum(index, (2 * m - 1) * (2 * n - 1) - 1)


@mistake(INDEX, place=EQ_4, modules=ATTENTION,
         says="The row displacement is multiplied by N instead of 2N-1, N being the window's width (M and 2M-1 if it "
              "is square), so different displacements share a row of the table and almost half of it is never used.",
         fix="Multiply by 2N-1, the number of displacements along a row of a window that is N wide; that is 2M-1 if "
             "the window is square.")
def index_factor_m(window: Size) -> Array:
    m, n = pair(window)
    down, right = displacements(m, n)
    return (down + m - 1) * n + right + n - 1


@mistake(INDEX, place=EQ_4, modules=ATTENTION,
         says="Rows and columns are exchanged in the index, as a meshgrid does whose indexing is 'xy', NumPy's "
              "default.",
         fix="Make the positions with indexing='ij' (np.indices does), so that rows come first.")
def index_columns_first(window: Size) -> Array:
    m, n = pair(window)
    down, right = displacements(m, n)
    return (right + n - 1) * (2 * m - 1) + down + m - 1


@mistake(INDEX, place=EQ_4, modules=ATTENTION,
         says="The displacements are not shifted to start at 0; negative indices count from the table's end, so "
              "nothing fails, but every pair gets another row.",
         fix="Add M-1 to the row displacement and N-1 to that of the columns (M-1 to both in a square window) before "
             "they become one number.")
def index_not_shifted(window: Size) -> Array:
    m, n = pair(window)
    down, right = displacements(m, n)
    return down * (2 * n - 1) + right


@mistake(BIAS, place=EQ_4, modules=ATTENTION, needs="more than one head",
         says="The table's columns are read from the last head to the first, so each head has another head's bias.",
         fix="Give head i column i of the table.")
def bias_heads_reversed(table: Array, window: Size) -> Array:
    return table[:, ::-1].T[:, relative_position_index(window)]


@mistake(BIAS, place=EQ_4, modules=ATTENTION, needs="more than one head",
         says="The table ((2M-1)^2, heads) is reshaped to (heads, (2M-1)^2) instead of transposed, which mixes heads "
              "and displacements.",
         fix="Transpose the table; a reshape keeps the order in memory.")
def bias_table_reshaped(table: Array, window: Size) -> Array:
    return table.reshape(table.shape[1], -1)[:, relative_position_index(window)]


@mistake(BIAS, place=EQ_4, modules=ATTENTION, needs="more than one head",
         says="The bias, looked up as (M^2, M^2, heads), is reshaped to (heads, M^2, M^2) instead of transposed.",
         fix="Move the heads' axis to the front with a transpose; a reshape keeps the order in memory.")
def bias_reshaped(table: Array, window: Size) -> Array:
    bias = table[relative_position_index(window)]      # (M^2, M^2, heads)
    return bias.reshape(-1, *bias.shape[:2])
