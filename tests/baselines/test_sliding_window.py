"""Sliding windows in three computations: torch's unfold, global attention under a mask, and what each reads."""

import numpy as np
import pytest

from swin_np.attention import WindowAttention
from swin_np.baselines.sliding_window import (
    SlidingWindowAttention,
    banded_sliding_attention,
    gathered_sliding_attention,
    naive_key_value_bytes,
    naive_sliding_attention,
    neighbourhoods,
    sliding_key_value_bytes,
)
from swin_np.complexity import window_msa_multiply_adds
from swin_np.errors import ConfigurationError
from swin_np.layers import redraw
from tests.matching import assert_matches, assert_model_rounds_as_float32

computations = pytest.mark.parametrize("attend", [naive_sliding_attention, gathered_sliding_attention,
                                                  banded_sliding_attention])
CASES = {                                              # name: (map, window)
    "oblong map": ((9, 7), (3, 3)),
    "oblong window": ((6, 11), (5, 3)),
    "seven": ((8, 10), (7, 7)),
    "map smaller than the neighbourhood": ((2, 4), (7, 5)),
    "one token for each query": ((3, 4), (1, 1)),
    "one row": ((1, 6), (3, 5)),
}
cases = pytest.mark.parametrize(("map_size", "window"), CASES.values(), ids=CASES)


def redrawn(window, dtype=np.float64, channels=12, heads=3, **settings):
    attn = SlidingWindowAttention.random(channels, window, heads, np.random.default_rng(0), **settings)
    redraw(attn, 1)
    return attn.astype(dtype)


def globally(x, attn):
    """Attention of every token to all tokens of the map, where all but the neighbours are masked."""
    b, h, w, channels = x.shape
    (m, n), heads = attn.window_size, attn.num_heads
    q, k, v = (part.reshape(b, h * w, heads, -1).swapaxes(1, 2)
               for part in np.split(x @ attn.qkv.weight.T + attn.qkv.bias, 3, axis=-1))
    i, j = np.divmod(np.arange(h * w), w)
    down, right = i[:, None] - i, j[:, None] - j       # (H W, H W), query minus key
    near = (abs(down) <= m // 2) & (abs(right) <= n // 2)
    table = attn.relative_position_bias_table.reshape(2 * m - 1, 2 * n - 1, heads)
    bias = table[np.where(near, down, 0) + m - 1, np.where(near, right, 0) + n - 1]        # (H W, H W, heads)
    scores = q @ k.swapaxes(-1, -2) * (channels // heads) ** -0.5 + bias.transpose(2, 0, 1)
    scores = np.where(near, scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    x = weights / weights.sum(axis=-1, keepdims=True) @ v
    return x.swapaxes(1, 2).reshape(b, h, w, channels) @ attn.proj.weight.T + attn.proj.bias


def unfolded(x, attn):
    """The same in torch: the neighbourhoods by unfold, whose columns are channel, then neighbour, for each query."""
    torch = pytest.importorskip("torch")
    b, h, w, channels = x.shape
    (m, n), heads = attn.window_size, attn.num_heads
    state = {name: torch.from_numpy(value) for name, value in attn.state_dict().items()}

    def unfold(maps):
        columns = torch.nn.functional.unfold(maps, (m, n), padding=(m // 2, n // 2))
        return columns.reshape(b, heads, -1, m * n, h * w)              # (B, heads, d, M^2, H W)

    qkv = torch.nn.functional.linear(torch.from_numpy(x), state["qkv.weight"], state["qkv.bias"])
    q, k, v = qkv.movedim(-1, 1).chunk(3, dim=1)       # (B, C, H, W) each
    scores = (q.reshape(b, heads, -1, 1, h * w) * (channels // heads) ** -0.5 * unfold(k)).sum(2)
    outside = unfold(torch.ones_like(k))[:, :, 0] == 0
    table = state["relative_position_bias_table"].reshape(2 * m - 1, 2 * n - 1, heads)
    middle = table[m // 2:m // 2 + m, n // 2:n // 2 + n].flip(0, 1)     # the first key is the furthest up
    scores = (scores + middle.reshape(m * n, heads).T[None, :, :, None]).masked_fill(outside, -torch.inf)
    x = (scores.softmax(2)[:, :, None] * unfold(v)).sum(3).reshape(b, channels, h, w).movedim(1, -1)
    return torch.nn.functional.linear(x, state["proj.weight"], state["proj.bias"]).numpy()


@cases
@computations
def test_every_computation_equals_torch_unfold_in_float64(attend, map_size, window, rng):
    x, attn = rng.standard_normal((2, *map_size, 12)), redrawn(window)
    assert_matches(attn(x, attend), unfolded(x, attn))


@cases
@computations
def test_every_computation_equals_global_attention_under_a_neighbourhood_mask(attend, map_size, window, rng):
    x, attn = rng.standard_normal((2, *map_size, 12)), redrawn(window)
    assert_matches(attn(x, attend), globally(x, attn))


@computations
def test_every_computation_errs_in_float32_as_rounding_does(attend, rng):
    x, attn = rng.standard_normal((2, 16, 20, 48), np.float32), redrawn((7, 7), np.float32, channels=48)
    assert_model_rounds_as_float32(attn, lambda attn: attn(x.astype(attn.dtype), attend))


@cases
def test_the_three_computations_are_one_function(map_size, window, rng):
    x, attn = rng.standard_normal((2, *map_size, 12)), redrawn(window, qkv_bias=False, qk_scale=0.7)
    definition = attn(x, naive_sliding_attention)
    assert_matches(attn(x, gathered_sliding_attention), definition)
    assert_matches(attn(x, banded_sliding_attention), definition)


@computations
def test_scores_of_any_size_leave_out_what_is_beyond_the_border(attend, rng):
    x, attn = rng.standard_normal((1, 4, 5, 12)), redrawn((3, 3))
    attn.relative_position_bias_table *= 1000          # far beyond what a mask of -100 would hold back
    assert_matches(attn(x, attend), globally(x, attn))


def test_the_weights_of_window_attention_fit():
    windows = WindowAttention.random(12, 5, 3, np.random.default_rng(0))
    sliding = redrawn(5, np.float32)
    sliding.load_state_dict(windows.state_dict())
    assert list(sliding.state_dict()) == ["relative_position_bias_table", "qkv.weight", "qkv.bias", "proj.weight",
                                          "proj.bias"]


@pytest.mark.parametrize("window", [4, (3, 6), (2, 5)])
def test_a_window_without_a_middle_is_refused(window):
    with pytest.raises(ConfigurationError, match="no token in its middle"):
        SlidingWindowAttention.random(12, window, 3, None)
    for count in (naive_key_value_bytes, sliding_key_value_bytes):
        with pytest.raises(ConfigurationError, match="no token in its middle"):
            count((8, 8), 12, window)


def test_the_products_have_the_multiply_adds_of_equation_2():
    (h, w), heads, d, m = (6, 9), 3, 4, 3
    of_scores = neighbourhoods(np.zeros((1, heads, h, w, d)), (m, m)).size                 # one each, and again for v
    assert 2 * of_scores == window_msa_multiply_adds(h, w, heads * d, m) - 4 * h * w * (heads * d) ** 2


@cases
def test_the_naive_computation_reads_one_key_and_one_value_for_each_pair_of_neighbours(map_size, window):
    positions = list(np.ndindex(map_size))
    pairs = sum(abs(i - row) <= window[0] // 2 and abs(j - column) <= window[1] // 2
                for i, j in positions for row, column in positions)
    assert naive_key_value_bytes(map_size, 12, window, np.float64) == pairs * 2 * 12 * 8


@cases
def test_the_other_computations_read_as_much_as_all_neighbourhoods_hold(map_size, window):
    gathered = neighbourhoods(np.zeros((1, 3, *map_size, 4), np.float32), window)
    assert sliding_key_value_bytes(map_size, 12, window) == 2 * gathered.nbytes
