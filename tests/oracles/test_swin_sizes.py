"""Where sizes do not fit: the shape policies TIMM and TORCHVISION against the real timm and torchvision."""

from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pytest

from swin_np.baselines.swin_v2 import SwinV2Config
from swin_np.layers import Module
from swin_np.shape_policy import TIMM, TORCHVISION, ShapePolicy
from swin_np.variants import SwinConfig
from tests.lengths import long_but
from tests.oracles.comparing import assert_equals_its_twin, twins

VERSIONS = {"V1": SwinConfig, "V2": SwinV2Config}
USUAL, OTHER = (4, (3, 5)), (2, 3, 5, 7, (6, 2))       # windows; the others in the long run only
SIZES = {                                              # in pixels, patches of 4
    "multiples of every window but 5 and 7": (96, 48),
    "no multiple of the window": (64, 88),
    "odd at both mergings": (52, 76),
    "odd on one axis only": (48, 84),
    "one axis covered": (20, 92),
    "the other axis covered": (100, 16),
    "one window in the first stage": (28, 28),
    "smaller than the window": (12, 16),
    "a map of one row": (4, 40),
    "a map of one token": (4, 4),
}
SHORT = [SIZES["odd at both mergings"], SIZES["one axis covered"], SIZES["a map of one row"]]
LEFT_OVER = (3, 1)                                     # pixels that torchvision crops


def tiny(version: str, window, policy: ShapePolicy, size: tuple[int, int] = (64, 64), **changes) -> SwinConfig:
    """A configuration whose model runs in a blink."""
    config = VERSIONS[version](size, num_classes=10, embed_dim=8, depths=(2, 2, 2), num_heads=(1, 2, 4),
                               window_size=window, shape_policy=policy)
    return replace(config, **changes)


def of_each_window() -> list:
    """(version, window) for the parameters of a test, first V2's window of one token."""
    return [("V2", 1), *product(VERSIONS, USUAL),
            *(pytest.param(*choice, marks=pytest.mark.long) for choice in [("V1", 1), *product(VERSIONS, OTHER)])]


def assert_timm_agrees(config: SwinConfig, **options) -> None:
    model = twins.redrawn(config)
    assert_equals_its_twin(model, "timm", twins.twin(model, "timm", twins.timm_swin(config, **options)),
                           config.img_size)


@cache
def torchvision_pair(config: SwinConfig) -> tuple[Module, object]:
    """Our model and its twin, for images of any size."""
    model = twins.redrawn(config)
    return model, twins.twin(model, "torchvision", twins.torchvision_swin(config))


@pytest.mark.parametrize("size", long_but(SHORT, SIZES.values()), ids=SIZES)
@pytest.mark.parametrize(("version", "window"), of_each_window())
def test_timms_answer_to_every_size(version, window, size):
    assert_timm_agrees(tiny(version, window, TIMM, size))


@pytest.mark.parametrize("size", long_but(SHORT, SIZES.values()), ids=SIZES)
@pytest.mark.parametrize("windows", [(4, 5, 3), ((3, 5), (6, 2), (2, 9)), (2, 7, 2)], ids=str)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_window_for_each_stage_is_timms_at_every_size(version, windows, size):
    assert_timm_agrees(tiny(version, windows, TIMM, size))


@pytest.mark.parametrize("size", long_but(SHORT, SIZES.values()), ids=SIZES)
@pytest.mark.parametrize(("version", "window"), of_each_window()[1:])    # V2 divides 0 by 0 in a window of 1
def test_torchvisions_answer_to_every_size(version, window, size):
    model, theirs = torchvision_pair(tiny(version, window, TORCHVISION))
    assert_equals_its_twin(model, "torchvision", theirs, size)
    assert_equals_its_twin(model, "torchvision", theirs, tuple(np.add(size, LEFT_OVER).tolist()))


@pytest.mark.parametrize("size", long_but(SHORT, SIZES.values()), ids=SIZES)
@pytest.mark.parametrize(("version", "window"), [
    ("V1", (3, 5)), ("V2", 4),
    pytest.param("V1", 4, marks=pytest.mark.long), pytest.param("V2", (3, 5), marks=pytest.mark.long)])
def test_timm_told_to_always_partition_is_a_policy_of_its_own(version, window, size):
    always = replace(TIMM, name="timm, always_partition", one_window="shift", table="full")
    assert_timm_agrees(tiny(version, window, always, size), always_partition=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_timm_told_to_take_any_size_is_a_policy_of_its_own(version):
    any_size = replace(TIMM, name="timm, dynamic_img_size", image="any", one_window="shift", table="full")
    model = twins.redrawn(tiny(version, 4, any_size, (96, 96)))         # no window covers a map of this size
    theirs = twins.twin(model, "timm", twins.timm_swin(model.config, dynamic_img_size=True))
    for size in SIZES.values():
        assert_equals_its_twin(model, "timm", theirs, size)


SETTINGS = {
    "no bias of queries, keys and values": {"qkv_bias": False},
    "grey images": {"in_chans": 1},
    "a narrow MLP": {"mlp_ratio": 1.3},
    "patches of 2": {"patch_size": 2},
    "other depths": {"depths": (1, 3), "num_heads": (4, 1)},
    "one stage": {"depths": (3,), "num_heads": (2,)},
    "two classes": {"num_classes": 2},
    "no head": {"num_classes": 0},
}


@pytest.mark.parametrize("changes", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("version", VERSIONS)
def test_every_setting_of_the_configuration_is_timms(version, changes):
    assert_timm_agrees(tiny(version, 4, TIMM, (52, 76), **changes))


@pytest.mark.parametrize("sizes", [(3, 3, 3), (12, 0, 6), (6, 2, 5)])
def test_pretrained_windows_are_timms(sizes):
    assert_timm_agrees(tiny("V2", 5, TIMM, (52, 76), pretrained_window_sizes=sizes))


@pytest.mark.parametrize("window", [8, 12, 16, 24, (3, 5), *(pytest.param(window, marks=pytest.mark.long)
                                                             for window in (2, 7, 9, 10, 14, 17, 19, 20, 21, 22, 23))])
@pytest.mark.parametrize("library", ["timm", "torchvision"])
def test_the_coordinates_of_the_second_version_are_theirs_to_a_digit_of_float32(window, library):
    config = tiny("V2", window, TORCHVISION, depths=(2,), num_heads=(1,))
    build = twins.timm_swin(config, always_partition=True) if library == "timm" else twins.torchvision_swin(config)
    theirs = [value.numpy() for name, value in build().named_buffers() if name.endswith("relative_coords_table")]
    ours = [value for name, value in twins.redrawn(config).derived_buffers().items() if name.endswith("coords_table")]
    for table, their_table in zip(ours, theirs, strict=True):
        assert table.shape == their_table.shape
        np.testing.assert_array_max_ulp(table, their_table, 4)
