"""Images as sequences for the Transformer: the patches, their projection and positions, and the counts."""

import numpy as np
import pytest

from swin_np.baselines import transformer
from swin_np.baselines.patch_sequences import embedded_patches, layer_costs, sequence_length
from swin_np.baselines.transformer import VARIANTS, TransformerConfig, sinusoidal_positions
from swin_np.errors import ShapeError
from tests.matching import assert_matches

TINY = TransformerConfig(d_model=24, nhead=3, num_encoder_layers=2, num_decoder_layers=3, dim_feedforward=40)


@pytest.mark.parametrize(("size", "length"), [(224, 196), (448, 784), (896, 3136), ((32, 64), 8)])
def test_a_sequence_is_as_long_as_a_vits_without_its_class_token(size, length):
    assert sequence_length(size) == length


@pytest.mark.parametrize("size", [225, (224, 230), 0, (-16, 16)])
def test_images_that_patches_do_not_tile_are_refused(size):
    with pytest.raises(ShapeError, match=r"are not tiled by 16x16 patches: choose sides that are multiples of 16"):
        sequence_length(size)


def test_every_token_is_its_patch_times_one_matrix_plus_its_position(rng):
    images = rng.standard_normal((2, 3, 32, 48))
    tokens = embedded_patches(images, TINY) - sinusoidal_positions(6, 24)
    patches = np.stack([images[:, :, 16 * i:16 * i + 16, 16 * j:16 * j + 16].reshape(2, -1)
                        for i in range(2) for j in range(3)], axis=1)   # (B, n, 3 16^2)
    unit = np.zeros((1, 3, 16, 16))
    matrix = []
    for pixel in range(3 * 16 * 16):
        unit.ravel()[pixel] = 1
        matrix.append((embedded_patches(unit, TINY) - sinusoidal_positions(1, 24))[0, 0])
        unit.ravel()[pixel] = 0
    assert_matches(tokens, patches @ np.array(matrix))
    assert np.std(matrix) == pytest.approx((3 * 16 * 16) ** -0.5, rel=0.03)


def test_the_matrix_is_that_of_the_seed_and_the_dtype_that_of_the_images(rng):
    images = rng.standard_normal((2, 3, 32, 48)).astype(np.float32)
    tokens = embedded_patches(images, TINY)
    assert tokens.dtype == np.float32 and np.array_equal(tokens, embedded_patches(images, TINY))
    assert not np.array_equal(tokens, embedded_patches(images, TINY, seed=1))


@pytest.mark.parametrize("variant", VARIANTS)
def test_source_and_target_are_counted_as_long_as_each_other(variant):
    assert layer_costs(VARIANTS[variant], (224, 448)) == transformer.layer_costs(VARIANTS[variant], 392, 392)
