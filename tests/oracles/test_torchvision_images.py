"""Resizing and cropping of images against torchvision's transforms of Pillow images."""

import numpy as np
import pytest
from PIL import Image

from swin_np.images import center_crop, resize

transforms = pytest.importorskip("torchvision").transforms

BICUBIC = transforms.InterpolationMode.BICUBIC
OLD = [(37, 53), (64, 97), (101, 307), (224, 225), (48, 48), (7, 300)]
NEW = [16, 33, 80, (20, 31), (65, 41)]


def noise(size: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, (*size, 3), dtype=np.uint8)


@pytest.mark.parametrize("new", NEW, ids=str)
@pytest.mark.parametrize("old", OLD, ids=str)
def test_resized_images_are_torchvisions_in_every_bit(old, new):
    theirs = np.asarray(transforms.Resize(new, BICUBIC)(Image.fromarray(noise(old))))
    assert np.array_equal(resize(noise(old), new), theirs)


@pytest.mark.parametrize("old", [(53, 37), (307, 101), (300, 7)], ids=str)
@pytest.mark.parametrize("new", NEW, ids=str)
def test_tall_images_become_as_large_as_in_torchvision(old, new):
    width, height = transforms.Resize(new, BICUBIC)(Image.fromarray(noise(old))).size
    assert resize(noise(old), new).shape == (height, width, 3)


@pytest.mark.parametrize("new", [*NEW, (9, 400)], ids=str)
@pytest.mark.parametrize("old", [*OLD, (53, 37), (10, 15)], ids=str)
def test_the_centre_is_torchvisions(old, new):
    theirs = np.asarray(transforms.CenterCrop(new)(Image.fromarray(noise(old))))
    assert np.array_equal(center_crop(noise(old), new), theirs)
