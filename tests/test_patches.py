"""Patch partition, linear embedding and patch merging."""

import numpy as np
import pytest

from swin_np.errors import ShapeError
from swin_np.patches import LinearEmbedding, patch_merging, patch_partition
from tests.matching import assert_matches


def test_a_patch_is_flattened_channel_row_column():
    images = np.arange(2 * 4 * 6).reshape(1, 2, 4, 6)
    patches = patch_partition(images, (2, 3))
    assert patches.shape == (1, 2, 2, 12)
    assert patches[0, 1, 0].tolist() == [12, 13, 14, 18, 19, 20, 36, 37, 38, 42, 43, 44]


def test_the_linear_embedding_is_a_convolution_whose_stride_is_its_kernel(rng):
    torch = pytest.importorskip("torch")
    images = rng.standard_normal((2, 3, 8, 18))
    embedding = LinearEmbedding.random(3, (4, 6), 10, rng).astype(np.float64)
    tensors = map(torch.from_numpy, (images, embedding.weight, embedding.bias))
    theirs = torch.nn.functional.conv2d(*tensors, stride=(4, 6))
    assert_matches(embedding(patch_partition(images, (4, 6))), theirs.permute(0, 2, 3, 1).numpy())


def test_merging_goes_down_the_columns_first():
    x = np.array([[1, 2], [3, 4]])[None, :, :, None] * np.array([1, 10])
    assert patch_merging(x)[0, 0, 0].tolist() == [1, 10, 3, 30, 2, 20, 4, 40]


def test_every_merged_token_is_its_own_two_by_two_group(rng):
    x = rng.standard_normal((2, 6, 10, 3))
    merged = patch_merging(x)
    assert merged.shape == (2, 3, 5, 12)
    for row in range(3):
        for column in range(5):
            group = x[:, 2 * row:2 * row + 2, 2 * column:2 * column + 2]
            assert np.array_equal(merged[:, row, column], group.transpose(0, 2, 1, 3).reshape(2, 12))


@pytest.mark.parametrize("call", [lambda: patch_partition(np.zeros((1, 3, 10, 8)), 4),
                                  lambda: patch_merging(np.zeros((1, 5, 4, 2)))])
def test_sizes_that_do_not_fit_are_refused(call):
    with pytest.raises(ShapeError, match="shape policy"):
        call()
