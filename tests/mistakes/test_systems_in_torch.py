"""Both sides mean the same mistake of a system: NumPy and a torch library agree with it planted in each."""

import numpy as np
import pytest

from oracle.small_systems import config_for, images_of, model_for, size_for, small_model
from tests.lengths import long_but
from tests.matching import MODEL_TOLERANCE, assert_matches
from tests.mistakes.systems import OWN, system_logits

torch = pytest.importorskip("torch")
for library in ("timm", "torchvision", "transformers"):
    pytest.importorskip(library)

from oracle.planted_in_res2net import PLANTED_IN_RES2NET  # noqa: E402
from oracle.planted_in_resnet import PLANTED_IN_RESNET  # noqa: E402
from oracle.planted_in_swin_v2 import PLANTED_IN_SWIN_V2  # noqa: E402
from oracle.planted_in_upernet import PLANTED_IN_UPERNET  # noqa: E402
from oracle.planted_in_vit import PLANTED_IN_VIT  # noqa: E402
from oracle.upernet_twin import upernet_twin  # noqa: E402
from oracle.vision_twins import timm_res2net, timm_swin, timm_vit, torchvision_resnet, twin  # noqa: E402

PLANTED = {"swin_v2": PLANTED_IN_SWIN_V2, "vit": PLANTED_IN_VIT, "resnet": PLANTED_IN_RESNET,
           "res2net": PLANTED_IN_RES2NET, "upernet": PLANTED_IN_UPERNET}
TWINS = {"swin_v2": lambda model: twin(model, "timm", timm_swin(model.config)),
         "vit": lambda model: twin(model, "timm", timm_vit(model.config)),
         "resnet": lambda model: twin(model, "torchvision", torchvision_resnet(model.config)),
         "res2net": lambda model: twin(model, "timm", timm_res2net(model.config)),
         "upernet": upernet_twin}
CASES = [(system, name) for system, plantings in PLANTED.items() for name in plantings]


def torch_logits(theirs, images: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        output = theirs(torch.from_numpy(images))
    return getattr(output, "logits", output).numpy()


@pytest.mark.parametrize("system", PLANTED)
def test_every_mistake_of_a_system_has_its_counterpart(system):
    assert PLANTED[system].keys() == OWN[system].keys()


@pytest.mark.parametrize("case", long_but(CASES[::5], CASES), ids="-".join)
def test_a_mistake_gives_the_same_logits_in_numpy_and_in_torch(case):
    system, name = case
    mistake = OWN[system][name]
    config = config_for(system, mistake)
    theirs = TWINS[system](model_for(config, mistake.needs, None).astype(np.float64))     # a copy of the weights
    PLANTED[system][name](theirs)
    assert_matches(system_logits(system, mistake),
                   torch_logits(theirs, images_of(size_for(config, mistake))), MODEL_TOLERANCE)


@pytest.mark.parametrize("system, name", [
    ("swin_v2", "mask-added-twice"), ("vit", "class-token-last"), ("resnet", "stride-on-the-first-convolution"),
    ("res2net", "splits-not-added"), ("upernet", "corners-aligned")])
def test_a_mistake_stays_in_the_torch_model_in_which_it_was_planted(system, name):
    config = config_for(system, OWN[system][name])
    right, wrong = (TWINS[system](small_model(config).astype(np.float64)) for _ in range(2))
    images = images_of(size_for(config, None))
    before = torch_logits(right, images)
    PLANTED[system][name](wrong)
    torch_logits(wrong, images)
    assert np.array_equal(torch_logits(right, images), before)
