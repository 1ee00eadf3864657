"""Resizing bias tables and position embeddings, against PyTorch's interpolation and timm's definition."""

import numpy as np
import pytest

from swin_np import CheckpointError, ConfigurationError
from swin_np.checkpoints.resizing import resize_bias_table, resize_position_embedding
from tests.matching import assert_matches

torch = pytest.importorskip("torch")

WINDOWS = [(7, 12), (12, 7), (7, 8), (4, 7), (2, 3), (1, 4), ((3, 5), (6, 4)), ((7, 7), (7, 12))]


def torch_bicubic(rows: np.ndarray, old: tuple[int, int], new: tuple[int, int]) -> np.ndarray:
    maps = torch.from_numpy(rows.T.reshape(1, -1, *old))
    resized = torch.nn.functional.interpolate(maps, size=new, mode="bicubic", align_corners=False)
    return resized[0].flatten(1).T.numpy()


def sides(window) -> tuple[int, int]:
    """Of the bias table, laid out as a map."""
    return tuple(2 * m - 1 for m in np.broadcast_to(window, 2).tolist())


@pytest.mark.parametrize(("old", "new"), WINDOWS)
def test_bicubic_tables_equal_torch(old, new, rng):
    table = rng.standard_normal((np.prod(sides(old)), 3))
    assert_matches(resize_bias_table(table, old, new), torch_bicubic(table, sides(old), sides(new)))


@pytest.mark.parametrize(("old", "new"), [((4, 6), (8, 5)), ((7, 7), (12, 12)), ((5, 3), (2, 3))])
def test_position_embeddings_equal_torch(old, new, rng):
    embedding = rng.standard_normal((1, old[0] * old[1], 5))
    assert_matches(resize_position_embedding(embedding, old, new)[0], torch_bicubic(embedding[0], old, new))


def geometric_positions(old: int, new: int) -> np.ndarray:
    """Where timm puts the 2 old - 1 displacements: partial sums of a geometric series that ends at new - 1."""
    polynomial = np.ones(old - 1)                      # 1 + q + ... + q^(old-2) = new - 1
    polynomial[-1] -= new - 1
    roots = np.roots(polynomial)
    q = float(roots[(abs(roots.imag) < 1e-9) & (roots.real > 0)].real[0])
    positive = [sum(q**k for k in range(n)) for n in range(1, old)]
    return np.array([-x for x in reversed(positive)] + [0] + positive)


@pytest.mark.parametrize(("old", "new"), [(7, 12), (7, 8), (4, 5), (8, 12)])
def test_geometric_tables_are_linear_between_the_positions_of_a_geometric_series(old, new, rng):
    table, at = rng.standard_normal((2 * old - 1, 2 * old - 1)), geometric_positions(old, new)
    ours = resize_bias_table(table.reshape(-1, 1), old, new, "geometric").reshape(2 * new - 1, 2 * new - 1)

    def between(position: float) -> tuple[int, float]:
        """The old entry at or before a position, and how far it is to the next one, from 0 to 1."""
        entry = min(max(i for i in range(len(at)) if at[i] <= position + 1e-5), len(at) - 2)
        return entry, (position - at[entry]) / (at[entry + 1] - at[entry])

    expected = np.empty_like(ours)
    for row in range(-new + 1, new):
        for column in range(-new + 1, new):
            (i, s), (j, t) = between(row), between(column)
            expected[row + new - 1, column + new - 1] = (
                (1 - s) * (1 - t) * table[i, j] + (1 - s) * t * table[i, j + 1]
                + s * (1 - t) * table[i + 1, j] + s * t * table[i + 1, j + 1])
    assert_matches(ours, expected, 1e-4)               # timm stops its bisection at 1e-6


def test_a_geometric_table_keeps_the_middle_and_its_neighbours(rng):
    table = rng.standard_normal((169, 4)).reshape(13, 13, 4)
    resized = resize_bias_table(table.reshape(169, 4), 7, 12, "geometric").reshape(23, 23, 4)
    np.testing.assert_allclose(resized[10:13, 10:13], table[5:8, 5:8], rtol=0, atol=1e-12)


@pytest.mark.parametrize("method", ["bicubic", "geometric"])
def test_a_table_of_the_right_size_is_not_touched(method, rng):
    table = rng.standard_normal((169, 3)).astype(np.float32)
    assert resize_bias_table(table, 7, (7, 7), method) is table


@pytest.mark.parametrize("method", ["bicubic", "geometric"])
def test_the_dtype_stays(method, rng):
    assert resize_bias_table(rng.standard_normal((49, 2)).astype(np.float32), 4, 7, method).dtype == np.float32


def test_a_table_for_another_window_is_refused(rng):
    with pytest.raises(CheckpointError, match=r"\(49, 2\) is not for window \(7, 7\), which has 169 rows"):
        resize_bias_table(rng.standard_normal((49, 2)), 7, 12)


def test_an_embedding_for_another_map_is_refused(rng):
    with pytest.raises(CheckpointError, match=r"\(1, 12, 2\) is not for a 4x4 map"):
        resize_position_embedding(rng.standard_normal((1, 12, 2)), 4, 7)


def test_an_unknown_method_is_refused(rng):
    with pytest.raises(ConfigurationError, match="did you mean 'bicubic'"):
        resize_bias_table(rng.standard_normal((49, 2)), 4, 7, "cubic")
