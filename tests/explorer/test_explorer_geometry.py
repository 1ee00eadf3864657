"""The page's windows, regions, masks, indices and reach equal the library's, for sizes that fit and that do not."""

import hashlib
import json
from dataclasses import dataclass, field

import numpy as np
import pytest

from swin_np.attention import relative_position_index, shifted_window_attention
from swin_np.errors import ShapeError
from swin_np.functional import Array
from swin_np.layers import Module
from swin_np.patches import PatchMerging
from swin_np.plots.receptive_field import extent
from swin_np.plots.sliding import distinct, shifted_key_sets, sliding_key_sets
from swin_np.shape_policy import SHAPE_POLICIES
from swin_np.windows import region_ids
from tests.notebooks.browser import needs_chromium

pytestmark = needs_chromium
SIZES, MOST, AT_ONCE = 2000, 22, 100                   # sizes in all, tokens on a side, sizes in one call of the page
POLICIES = list(SHAPE_POLICIES)

DIGESTS = """
(async (cases) => {
  const digest = async (numbers) => {
    const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", Int32Array.from(numbers)));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  };
  return Promise.all(cases.map(async ([map, window, shift, policy]) => {
    const layout = explorer.windows.layout(map, window, shift, explorer.data.policies[policy]);
    if (layout.refused) return null;
    const { windows, tokens, regions } = layout;
    return { window: layout.window, shift: layout.shift, padded: layout.padded,
             windows: await digest(Array.from(windows, (place) => tokens[place])), regions: await digest(regions),
             mask: await digest(explorer.windows.mask(layout)),
             index: await digest(explorer.windows.relativePositionIndex(layout.window)) };
  }));
})(%s)
"""


@dataclass(eq=False, repr=False)
class Watched(Module):
    """Takes the place of attention, and keeps what the library's own path gave it."""

    window_size: tuple[int, int]
    seen: list = field(default_factory=list)

    def forward(self, windows: Array, mask: Array | None) -> Array:
        self.seen.append((windows, mask))
        return windows


@dataclass(eq=False, repr=False)
class Gathering(Module):
    """Takes the place of attention: a query's result is the largest value among the keys that it may attend to."""

    window_size: tuple[int, int]

    def forward(self, windows: Array, mask: Array | None) -> Array:
        values = np.broadcast_to(windows[:, None, :, 0], (len(windows), windows.shape[1], windows.shape[1]))
        if mask is not None:
            values = np.where(mask == 0, values, 0)
        return values.max(axis=2)[..., None]


def draw(rng):
    """A map, a window, a shift and the name of a shape policy."""
    window = tuple(map(int, rng.integers(1, 9, size=2)))
    if rng.integers(2):
        window = (window[0], window[0])
    map_size = tuple(map(int, rng.integers(1, MOST + 1, size=2)))
    if rng.integers(2):                                # a map that fits
        map_size = tuple(int(m * rng.integers(1, 1 + MOST // m)) for m in window)
    shift = tuple(int(rng.integers(m)) for m in window)
    if rng.integers(2):
        shift = (window[0] // 2, window[1] // 2)
    return map_size, window, shift, POLICIES[rng.integers(len(POLICIES))]


def digest(numbers):
    return hashlib.sha256(np.ascontiguousarray(numbers, dtype="<i4").tobytes()).hexdigest()


def in_force(map_size, window, shift, policy):
    """The window and the shift that a policy gives; None where it refuses the map."""
    policy = SHAPE_POLICIES[policy]
    window, shift = policy.window_and_shift(map_size, window, shift)
    try:
        policy.check_map(map_size, window)
    except ShapeError:
        return None
    return window, shift


def expected(map_size, window, shift, policy):
    """What the library's own forward path does with the numbers of the tokens; None where it refuses."""
    if (settings := in_force(map_size, window, shift, policy)) is None:
        return None
    (window, shift), (h, w) = settings, map_size
    watched, numbers = Watched(window), np.arange(1, h * w + 1, dtype=np.float32).reshape(1, h, w, 1)
    shifted_window_attention(numbers, watched, window, shift, SHAPE_POLICIES[policy].pads_before_roll)
    (windows, mask), = watched.seen
    padded = tuple(side + -side % m for side, m in zip(map_size, window, strict=True))
    if mask is None:
        mask = np.zeros((len(windows), windows.shape[1], windows.shape[1]))
    return {"window": list(window), "shift": list(shift), "padded": list(padded), "windows": digest(windows - 1),
            "regions": digest(region_ids(padded, window, shift)), "mask": digest(mask != 0),
            "index": digest(relative_position_index(window))}


def compare(browser, cases):
    """How many of the cases the library refuses; all must be as it has them."""
    for start in range(0, len(cases), AT_ONCE):
        some = cases[start:start + AT_ONCE]
        for case, got in zip(some, browser.evaluate(DIGESTS % json.dumps(some)), strict=True):
            assert got == expected(*case), case


def test_windows_regions_masks_and_indices_are_the_library_s(browser, explorer, rng):
    compare(browser, [draw(rng) for _ in range(60)])


@pytest.mark.long
def test_they_are_for_two_thousand_sizes(browser, explorer, rng):
    cases = [draw(rng) for _ in range(SIZES)]
    compare(browser, cases)
    refused = sum(in_force(*case) is None for case in cases)
    assert refused > SIZES / 50 and len({case[3] for case in cases if in_force(*case)}) == len(POLICIES)


def library_reach(map_size, window, shift, policy, depths, source):
    """Where a token is seen after each block and merging: the library's own path, maxima in attention's place."""
    x = np.zeros((1, *map_size, 1), np.float32)
    x[0].reshape(-1)[source] = 1
    steps = [x]
    for stage, depth in enumerate(depths):
        if stage:
            if SHAPE_POLICIES[policy].merging == "refuse" and (x.shape[1] % 2 or x.shape[2] % 2):
                return steps
            merging = PatchMerging.random(1, SHAPE_POLICIES[policy], None)
            x = merging.gather(x).max(axis=-1, keepdims=True)
            steps.append(x)
        for block in range(depth):
            settings = in_force(x.shape[1:3], window, shift if block % 2 else (0, 0), policy)
            if settings is None:
                return steps
            x = shifted_window_attention(x, Gathering(settings[0]), *settings, SHAPE_POLICIES[policy].pads_before_roll)
            steps.append(x)
    return steps


def reach_is_the_library_s(explorer, rng, count):
    lengths = set()
    for _ in range(count):
        map_size, window, shift, policy = draw(rng)
        source, depths = int(rng.integers(map_size[0] * map_size[1])), [2, 3, 2]
        right = library_reach(map_size, window, shift, policy, depths, source)
        row = {name: getattr(SHAPE_POLICIES[policy], name) for name in ("one_window", "window", "merging")}
        steps = explorer("reach.steps", {"map": map_size, "window": window, "shift": shift, "policy": row,
                                         "depths": depths, "source": source})
        assert [step["map"] for step in steps] == [list(x.shape[1:3]) for x in right]
        for step, x in zip(steps, right, strict=True):
            assert step["seen"] == x.reshape(-1).tolist()
            box = explorer("reach.extent", step["seen"], step["map"])
            assert box == [x.sum(), *extent(x[0, :, :, 0])]
        lengths.add(len(steps))
    return lengths


def test_reach_through_blocks_and_mergings_is_the_library_s(explorer, rng):
    assert reach_is_the_library_s(explorer, rng, 15)


@pytest.mark.long
def test_reach_is_for_two_thousand_sizes(explorer, rng):
    assert len(reach_is_the_library_s(explorer, rng, SIZES)) > 3


@pytest.mark.parametrize(("map_size", "window", "shift"), [
    ((10, 9), (5, 3), (2, 1)), ((6, 10), (3, 5), (0, 2)), ((8, 12), (4, 3), (2, 1)), ((9, 12), (3, 6), (1, 0))])
def test_key_sets_are_the_library_s(browser, explorer, map_size, window, shift):
    got = browser.evaluate(f"""(() => {{
      const [map, window, shift] = {json.dumps([map_size, window, shift])};
      const layout = explorer.windows.layout(map, window, shift, explorer.data.policies.torchvision);
      const queries = [...Array(map[0] * map[1]).keys()];
      const both = [(query) => explorer.keySets.sliding(map, [window[0] | 1, window[1] | 1], query),
                    (query) => explorer.keySets.shifted(layout, query)];
      return both.map((keysOf) => {{
        const {{ sets, reads }} = explorer.keySets.reads(map, keysOf);
        return [queries.map((query) => keysOf(query).sort((a, b) => a - b)), sets, Array.from(reads)];
      }});
    }})()""")
    odd = tuple(m | 1 for m in window)
    for (keys, sets, reads), right in zip(got, (sliding_key_sets(map_size, odd),
                                                shifted_key_sets(map_size, window, shift)), strict=True):
        assert keys == [np.flatnonzero(row).tolist() for row in right]
        assert sets == len(distinct(right)) and reads == distinct(right).sum(axis=0).tolist()
