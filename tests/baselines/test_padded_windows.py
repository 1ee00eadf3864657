"""Shifted windows by padding: equal to the definition, to the cyclic shift and to torch, with more windows."""

import numpy as np
import pytest

from swin_np.attention import WindowAttention, shifted_window_attention
from swin_np.baselines.padded_windows import (
    crop_padding,
    pad_to_windows,
    padded_window_attention,
    padding_mask,
    window_key_value_bytes,
)
from swin_np.errors import ShapeError
from swin_np.layers import redraw
from swin_np.ragged import ragged_window_attention, ragged_windows
from tests.matching import assert_matches, assert_model_rounds_as_float32

TILED = {                                              # name: (map, window, shift)
    "2x2 windows": ((8, 8), (4, 4), (2, 2)),
    "oblong map, odd window": ((6, 12), (3, 3), (1, 1)),
    "oblong window": ((6, 10), (3, 5), (1, 2)),
    "one axis": ((6, 9), (3, 3), (0, 2)),
    "no shift": ((6, 9), (3, 3), (0, 0)),
    "one window": ((4, 4), (4, 4), (2, 2)),
}
RAGGED = TILED | {
    "no multiple": ((7, 10), (4, 4), (2, 2)),
    "no multiple, no shift": ((7, 10), (4, 4), (0, 0)),
    "smaller than the window": ((2, 6), (5, 4), (3, 1)),
}
tiled = pytest.mark.parametrize(("map_size", "window", "shift"), TILED.values(), ids=TILED)
ragged = pytest.mark.parametrize(("map_size", "window", "shift"), RAGGED.values(), ids=RAGGED)


def redrawn(window, dtype=np.float64, channels=12):
    attn = WindowAttention.random(channels, window, 3, np.random.default_rng(0))
    redraw(attn, 1)
    return attn.astype(dtype)


def torch_attention(x, attn, shift):
    """Each window of the definition padded on its own, then PyTorch's attention with bias and a mask of the keys."""
    torch = pytest.importorskip("torch")
    (m, n), heads = attn.window_size, attn.num_heads
    state = {name: torch.from_numpy(value) for name, value in attn.state_dict().items()}
    position = torch.cartesian_prod(torch.arange(m), torch.arange(n))
    down, right = (position[:, None] - position).unbind(-1)             # (M^2, M^2), query minus key
    table = state["relative_position_bias_table"].reshape(2 * m - 1, 2 * n - 1, heads)
    bias = table[down + m - 1, right + n - 1].permute(2, 0, 1)
    result = torch.empty(x.shape, dtype=bias.dtype)
    for rows, columns in ragged_windows(x.shape[1:3], (m, n), shift):
        window = torch.from_numpy(x)[:, rows, columns]
        h, w = window.shape[1:3]
        tokens = torch.nn.functional.pad(window, (0, 0, 0, n - w, 0, m - h)).flatten(1, 2)
        real = ((position < torch.tensor([h, w])).all(-1))              # (M^2,)
        qkv = torch.nn.functional.linear(tokens, state["qkv.weight"], state["qkv.bias"])
        q, k, v = qkv.unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = torch.nn.functional.scaled_dot_product_attention(q, k, v, bias.masked_fill(~real, -torch.inf))
        mixed = torch.nn.functional.linear(mixed.transpose(1, 2).flatten(2), state["proj.weight"], state["proj.bias"])
        result[:, rows, columns] = mixed.unflatten(1, (m, n))[:, :h, :w]
    return result.numpy()


@ragged
def test_padded_windows_equal_the_definition(map_size, window, shift, rng):
    x, attn = rng.standard_normal((2, *map_size, 12)), redrawn(window)
    assert_matches(padded_window_attention(x, attn, shift), ragged_window_attention(x, attn, shift))


@tiled
def test_padded_windows_equal_the_cyclic_shift(map_size, window, shift, rng):
    x, attn = rng.standard_normal((2, *map_size, 12)), redrawn(window)
    assert_matches(padded_window_attention(x, attn, shift), shifted_window_attention(x, attn, window, shift))


@ragged
def test_padded_windows_equal_torch_in_float64(map_size, window, shift, rng):
    x, attn = rng.standard_normal((2, *map_size, 12)), redrawn(window)
    assert_matches(padded_window_attention(x, attn, shift), torch_attention(x, attn, shift))


def test_padded_windows_err_in_float32_as_rounding_does(rng):
    x, attn, shift = rng.standard_normal((2, 14, 21, 48), np.float32), redrawn((7, 7), np.float32, 48), (3, 3)
    assert_model_rounds_as_float32(attn, lambda attn: padded_window_attention(x.astype(attn.dtype), attn, shift))


def test_2x2_regular_windows_become_3x3():
    assert [len(padding_mask((8, 8), 4, shift)) for shift in (0, 2)] == [4, 9]


@ragged
def test_the_mask_leaves_every_token_of_the_map_to_one_window(map_size, window, shift):
    assert np.isfinite(padding_mask(map_size, window, shift)).sum() == map_size[0] * map_size[1]


@ragged
def test_cropping_undoes_padding(map_size, window, shift, rng):
    x = rng.standard_normal((2, *map_size, 3))
    np.testing.assert_array_equal(crop_padding(pad_to_windows(x, window, shift), map_size, window, shift), x)


@ragged
def test_windows_read_each_key_and_value_of_the_padded_map_once(map_size, window, shift):
    keys = pad_to_windows(np.zeros((1, *map_size, 12), np.float32), window, shift)
    assert window_key_value_bytes(map_size, 12, window, shift) == 2 * keys.nbytes


@pytest.mark.parametrize("shift", [4, -1, (0, 5)])
def test_a_shift_that_is_no_part_of_a_window_is_refused(shift, rng):
    with pytest.raises(ShapeError, match="does not fit window"):
        padded_window_attention(rng.standard_normal((1, 8, 8, 12)), redrawn(4), shift)
