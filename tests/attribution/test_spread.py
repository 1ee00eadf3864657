"""One pixel, and one mistake, through all blocks: what the masks allow is what is measured, and costs add up."""

import numpy as np
import pytest

from swin_np.attribution.spread import error_by_map, follow, maps, reach, reach_by_map, relative_change, spread_by_block
from swin_np.costs import total
from swin_np.crosscheck.record import trace
from swin_np.errors import ConfigurationError, InputError
from swin_np.mistakes.catalogue import CATALOGUE
from swin_np.ragged import ragged_windows
from swin_np.systems.registry import layer_costs
from swin_np.variants import SwinConfig
from tests.attribution.small_attending import SWINS, model_of, swin, vit

PIXELS = [(0, 0), (13, 9), (21, 11)]


def test_on_a_map_that_windows_do_not_tile_padding_passes_nothing_on():
    seen = np.zeros((5, 5), bool)
    seen[4, 4] = True                                  # alone with padding in its regular window of 4
    assert np.argwhere(spread_by_block(seen, (4, 4), (0, 0))).tolist() == [[4, 4]]
    shifted = reach((5, 5), (4, 4), [(0, 0), (2, 2)], (4, 4))
    assert np.array_equal(np.argwhere(shifted[1]).min(axis=0), [2, 2]) and shifted[1].sum() == 9


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("name", SWINS)
def test_a_pixel_is_felt_exactly_where_the_masks_let_it_be_seen(name, version):
    model, image = swin(name, version)
    for pixel in PIXELS:
        steps = follow(model, image, pixel)
        assert [step.name for step in steps] == list(maps(model, image))
        assert not steps[0].reach.all() or name in ("shifted where one window covers",)
        for step in steps:
            assert np.array_equal(step.influence > 0, step.reach), step.name


def test_a_patch_that_is_no_square_is_found_by_its_own_sides():
    model = model_of(SwinConfig((16, 48), (2, 4), 3, 0, embed_dim=4, depths=(2,), num_heads=(1,), window_size=4))
    image = np.random.default_rng(0).standard_normal((1, 3, 16, 48))
    for pixel in ((0, 47), (15, 3), (9, 17)):
        for step in follow(model, image, pixel):
            assert step.reach.shape == (8, 12) and np.array_equal(step.influence > 0, step.reach)


def test_a_black_pixel_is_changed_too():
    model, image = swin("even")
    image[0, :, 3, 3] = 0
    assert (follow(model, image, (3, 3))[0].influence > 0).any()


@pytest.mark.parametrize("name", SWINS)
def test_the_costs_of_all_blocks_and_mergings_are_those_of_the_layers(name):
    model, image = swin(name)
    steps = follow(model, image, (0, 0))
    expected = total(cost for cost in layer_costs(model.config, image.shape[2:], np.float64)
                     if cost.name.startswith("layers."))
    assert sum(step.multiply_adds for step in steps) == expected.multiply_adds
    assert sum(step.activation_bytes for step in steps) == expected.activation_bytes


def test_the_eleventh_block_is_not_counted_with_the_second():
    model = model_of(SwinConfig((8, 8), 2, num_classes=0, embed_dim=4, depths=(12,), num_heads=(1,), window_size=2))
    steps = follow(model, np.ones((3, 8, 8)), (0, 0))
    assert [step.name for step in steps] == [f"layers.0.blocks.{j}" for j in range(12)]
    assert len({step.multiply_adds for step in steps}) == 1


def test_a_change_is_the_largest_over_the_channels_relative_to_the_largest_value_before_it():
    x = np.array([[[[4.0, -8.0], [1.0, 1.0]]]])        # (1, 1, 2, 2)
    changed = np.array([[[[4.0, -16.0], [3.0, 0.0]]]])
    assert relative_change(x, changed).tolist() == [[1.0, 0.25]]


def test_the_maps_are_those_of_a_forward_pass():
    model, image = swin("even")
    with trace(model) as found:
        model(image)
    for name, x in maps(model, image).items():
        assert np.array_equal(x, found[name])
    assert np.array_equal(maps(model, image)["layers.0.downsample"], found["layers.0"])


def test_a_mistake_shows_first_in_its_block_and_then_spreads():
    model, image = swin("even")
    errors = error_by_map(model, image, [CATALOGUE["no-mask"]])
    assert not errors["layers.0.blocks.0"].any()
    cut = np.zeros((12, 24), bool)
    for rows, columns in ragged_windows((12, 24), (3, 3), (1, 1)):
        cut[rows, columns] = (rows.stop - rows.start, columns.stop - columns.start) != (3, 3)
    assert np.array_equal(errors["layers.0.blocks.1"] > 0, cut)         # the block's own tokens that the border cuts
    downsampled = cut.reshape(6, 2, 12, 2).any(axis=(1, 3))
    assert np.array_equal(errors["layers.0.downsample"] > 0, downsampled)
    assert (errors["layers.1.blocks.0"] > 0).sum() > downsampled.sum()


def test_two_mistakes_are_planted_together_and_taken_away_again():
    model, image = swin("even")
    before = model(image)
    both = error_by_map(model, image, [CATALOGUE["merge-row-major"], CATALOGUE["bias-left-out"]])
    bias = error_by_map(model, image, [CATALOGUE["bias-left-out"]])
    assert np.array_equal(both["layers.0.blocks.1"], bias["layers.0.blocks.1"])
    assert not np.array_equal(both["layers.0.downsample"], bias["layers.0.downsample"])
    assert np.array_equal(model(image), before)


def test_without_a_mistake_nothing_is_wrong():
    model, image = swin("even")
    assert not any(error.any() for error in error_by_map(model, image, []).values())


def test_every_mistake_of_the_blocks_shows_in_some_map():
    model, image = swin("even")
    silent = [name for name, mistake in CATALOGUE.items() if mistake.modules.startswith(r"layers") and not mistake.needs
              and not any(error.any() for error in error_by_map(model, image, [mistake]).values())]
    assert silent == []


@pytest.mark.parametrize("pixel", [(24, 0), (0, 48), (-1, 3)])
def test_a_pixel_beyond_the_image_is_refused(pixel):
    with pytest.raises(InputError, match="give a row from 0 to 23 and a column from 0 to 47"):
        follow(*swin("even"), pixel)


def test_a_pixel_that_is_cropped_away_is_refused():
    model, _ = swin("padded, then rolled")
    with pytest.raises(InputError, match="give a row from 0 to 21 and a column from 0 to 33"):
        reach_by_map(model, (23, 35), (22, 0))         # torchvision crops to a multiple of the patch


def test_other_models_are_refused():
    model, image = vit()
    for make in (lambda: follow(model, image, (0, 0)), lambda: error_by_map(model, image, [])):
        with pytest.raises(ConfigurationError, match="give one of these"):
            make()
    with pytest.raises(InputError, match="mistake"):
        error_by_map(*swin("even"), ["no-mask"])
