"""Both sides mean the same mistake: NumPy and transformers agree to rounding with it planted in each by other means."""

import numpy as np
import pytest

from oracle.small_models import config_for, model_and_images
from swin_np import images
from swin_np.mistakes.catalogue import CATALOGUE, planted
from tests.lengths import long_but
from tests.matching import MODEL_TOLERANCE, assert_matches
from tests.mistakes.models import outputs

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from PIL import Image  # noqa: E402

from oracle.planted_mistakes import PLANTED_IN_PIXELS, PLANTED_IN_TORCH  # noqa: E402
from oracle.swin_twin import torch_twin  # noqa: E402

ONLY_IN_NUMPY = {"resize-without-antialiasing"}        # neither torch nor Pillow resizes so
PIXEL_TOLERANCE = 1e-5                                 # of the largest value: some roundings; a grey level is 6e-3


def test_every_mistake_of_the_catalogue_has_its_counterpart():
    assert set(CATALOGUE) == {*PLANTED_IN_TORCH, *PLANTED_IN_PIXELS, *ONLY_IN_NUMPY}


@pytest.mark.parametrize("name", long_but(list(PLANTED_IN_TORCH)[::5], PLANTED_IN_TORCH))
def test_a_mistake_gives_the_same_logits_in_numpy_and_in_torch(name):
    config = config_for(CATALOGUE[name])
    model, batch = model_and_images(config, dtype=np.float64)
    twin = torch_twin(model, torch.float64)
    PLANTED_IN_TORCH[name](twin)
    with torch.inference_mode():
        theirs = twin(torch.from_numpy(batch)).logits.numpy()
    assert_matches(outputs(config, CATALOGUE[name])["output"], theirs, MODEL_TOLERANCE)


@pytest.mark.parametrize("name", ["windows-strided", "mask-on-regular-windows", "post-norm"])
def test_a_mistake_stays_in_the_torch_model_in_which_it_was_planted(name):
    model, batch = model_and_images(config_for(CATALOGUE[name]), dtype=np.float64)
    right, wrong = (torch_twin(model, torch.float64) for _ in range(2))
    PLANTED_IN_TORCH[name](wrong)
    with torch.inference_mode():
        before = right(torch.from_numpy(batch)).logits
        wrong(torch.from_numpy(batch))
        assert torch.equal(right(torch.from_numpy(batch)).logits, before)


@pytest.mark.parametrize("name", PLANTED_IN_PIXELS)
def test_a_mistake_with_images_gives_the_same_pixels_in_numpy_and_in_torch(name):
    photograph = images.load(images.sample_photograph())[:300, :400]
    with planted(CATALOGUE[name]):
        ours = images.preprocess(photograph, images.PRESETS["microsoft"])[0]
    theirs = PLANTED_IN_PIXELS[name](Image.fromarray(photograph)).numpy()
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= PIXEL_TOLERANCE * np.abs(theirs).max()
