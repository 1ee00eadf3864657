"""Class maps without gradients: exact where something is exact, and on the marks of the trained probes."""

import numpy as np
import pytest

from swin_np.attribution.ablation import ablation_map, class_activation_map
from swin_np.attribution.occlusion import by_pixel, mean_colour, occlusion
from swin_np.crosscheck.record import edit
from swin_np.errors import ConfigurationError, InputError, ShapeError
from swin_np.layers import redraw
from swin_np.model import SwinTransformer
from swin_np.probes import TASKS, load_probe, probe_config
from swin_np.systems.registry import build
from tests.attribution.small_attending import SWINS, swin, vit
from tests.matching import assert_matches

CELL = 4                                               # pixels: two tiles, a token of the last stage


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("name", SWINS)
def test_the_mean_of_the_class_activation_map_plus_the_bias_is_the_logit(name, version):
    model, image = swin(name, version)
    logits = model(image)[0]
    means = np.array([class_activation_map(model, image, i).mean() + model.head.bias[i] for i in range(5)])
    assert_matches(means, logits, 1e-10)


@pytest.mark.parametrize("stage", [0, 1])
@pytest.mark.parametrize("name", ["even", "padded, then rolled"])
def test_ablation_weighs_each_channel_by_the_drop_that_editing_it_makes(name, stage):
    model, image = swin(name)
    last = f"layers.{stage}.blocks.{len(model.layers[stage].blocks) - 1}"
    whole, expected, shown = model(image)[0, 3], 0, []
    for channel in range(model.config.channels(stage)):
        def silent(x, channel=channel):
            shown.append(x[0].copy())
            x[..., channel] = 0
            return x
        with edit(model, last, silent):
            expected = expected + (whole - model(image)[0, 3]) * shown[0][..., channel]
    assert_matches(ablation_map(model, image, 3, stage), expected, 1e-9)


def test_ablation_takes_a_convolutional_network_too():
    model = build("resnet_50", num_classes=3, layers=(1, 1, 1, 1))
    redraw(model, 0)
    image = np.random.default_rng(0).standard_normal((3, 32, 32)).astype(np.float32)
    assert ablation_map(model, image, 1, 3).shape == (1, 1)


def test_a_hidden_patch_drops_the_score_by_what_the_model_says_of_the_image_with_it():
    model, image = swin("even")
    before, drops = image.copy(), occlusion(model, image, 2, (6, 8), (3, 8), np.array([1.0, 2.0, 3.0]))
    assert drops.shape == (7, 6)
    hidden = image.copy()
    hidden[0, :, 15:21, 32:40] = np.reshape([1, 2, 3], (3, 1, 1))
    assert_matches(drops[5, 4], model(image)[0, 2] - model(hidden)[0, 2], 1e-10)
    assert np.array_equal(image, before)


def test_hiding_all_of_a_plain_image_by_its_own_colour_changes_nothing():
    model, image = swin("even")
    plain = np.broadcast_to(np.reshape([0.5, -1, 2], (1, 3, 1, 1)), image.shape)
    assert mean_colour(plain).tolist() == [0.5, -1, 2]
    drops = occlusion(model, plain, 0, 8, 8, mean_colour(plain))
    assert np.abs(drops).max() < 1e-12 * np.abs(model(plain)).max()         # of another batch, so rounded otherwise


def test_by_pixel_each_has_the_mean_of_the_patches_that_hide_it():
    drops = np.array([[1.0, 2.0], [3.0, 6.0]])
    assert by_pixel(drops, 3, 1).tolist() == [[1, 1.5, 1.5, 2], [2, 3, 3, 4], [2, 3, 3, 4], [3, 4.5, 4.5, 6]]
    assert np.array_equal(by_pixel(drops, 2, 2), drops.repeat(2, axis=0).repeat(2, axis=1))
    assert np.isnan(by_pixel(drops, 1, 2)).tolist() == [[False, True, False], [True] * 3, [False, True, False]]


def drops_on_boards(model, task, count):
    """How often the largest drop of the right answer's score is at a cell with a mark, and by chance; and by how much
    cells with a mark cost more than cells without, the median over the boards of the ratio of their means."""
    boards, hits, chances, ratios = TASKS[task].draw(count, np.random.default_rng(5)), [], [], []
    for image, answer, marks in zip(boards.images, boards.answers, boards.marks, strict=True):
        cells = marks.reshape(8, 2, 8, 2).any(axis=(1, 3))
        drops = occlusion(model, image, int(answer), CELL, CELL, mean_colour(image))
        hits.append(cells.ravel()[drops.argmax()])
        chances.append(cells.mean())
        ratios.append(np.abs(drops[cells]).mean() / np.abs(drops[~cells]).mean())
    return np.mean(hits), np.mean(chances), np.median(ratios)


@pytest.mark.long
@pytest.mark.parametrize(("task", "least", "least_ratio"), [("same", 0.85, 200), ("flock", 0.95, 50)])
def test_hiding_a_mark_of_a_probe_costs_most(task, least, least_ratio):
    share, chance, ratio = drops_on_boards(load_probe(task), task, 200)
    assert share > least > 3 * chance                  # measured: 1.00 and 1.00
    assert ratio > least_ratio                         # measured: 1052 and 134


def test_a_mark_costs_a_trained_model_far_more_than_its_ground_and_an_untrained_one_little():
    untrained = SwinTransformer.random(probe_config("flock"))           # a mark is conspicuous to it as well
    assert drops_on_boards(load_probe("flock"), "flock", 8)[2] > 50
    assert drops_on_boards(untrained, "flock", 8)[2] < 20


@pytest.mark.parametrize(("patch", "stride"), [(7, 4), (8, 7), (25, 1), (0, 1), (8, 0), ((24, 49), 1)])
def test_patches_that_do_not_end_with_the_image_are_refused(patch, stride):
    model, image = swin("even")
    with pytest.raises(ShapeError, match="let the stride divide what remains"):
        occlusion(model, image, 0, patch, stride, np.zeros(3))


@pytest.mark.parametrize("fill", [np.zeros(1), np.zeros((3, 1)), np.array([0, np.nan, 0]), 0.5])
def test_a_colour_that_is_none_is_refused(fill):
    model, image = swin("even")
    with pytest.raises(InputError, match="expected 3 finite numbers"):
        occlusion(model, image, 0, 8, 8, fill)


@pytest.mark.parametrize("number", [5, -1, 1.0, None])
def test_a_class_that_is_not_there_is_refused_by_all(number):
    model, image = swin("even")
    for make in (lambda: occlusion(model, image, number, 8, 8, np.zeros(3)),
                 lambda: ablation_map(model, image, number, 0), lambda: class_activation_map(model, image, number)):
        with pytest.raises(InputError, match="was asked for, there are 5, counted from 0"):
            make()


def test_models_without_classes_or_maps_are_refused():
    model, image = vit()
    with pytest.raises(ConfigurationError, match="take occlusion"):
        ablation_map(model, image, 0, 0)
    with pytest.raises(ConfigurationError, match="with a head"):
        class_activation_map(model, image, 0)
    pyramid, batch = build("fpn_swin_t", seed=None), np.zeros((3, 224, 224), np.float32)
    for make in (lambda: occlusion(pyramid, batch, 0, 224, 1, np.zeros(3)), lambda: ablation_map(pyramid, batch, 0, 0)):
        with pytest.raises(ConfigurationError, match="take one for classification"):
            make()
    with pytest.raises(InputError, match="stage 2 was asked for, there are 2"):
        ablation_map(*swin("even"), 0, 2)
