"""Models that PyTorch itself computes in 16 or 8 bits agree, and their arithmetic is told."""

import re
import warnings
from functools import cache

import numpy as np
import pytest

from swin_np import SwinConfig, SwinTransformer
from swin_np.crosscheck.candidates import Candidate
from swin_np.crosscheck.clock import UNLIMITED
from swin_np.crosscheck.referee import crosscheck
from swin_np.crosscheck.reference import Reference
from swin_np.layers import redraw
from swin_np.shape_policy import TRANSFORMERS
from tests.lengths import long_but

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from oracle.swin_twin import torch_twin  # noqa: E402
from swin_np.crosscheck.torch_models import record  # noqa: E402

CONFIG = SwinConfig((64, 96), num_classes=10, embed_dim=16, depths=(2, 2, 2), num_heads=(2, 4, 8), window_size=4,
                    shape_policy=TRANSFORMERS)
BLOCKS = re.compile(r".*(layers\.\d\.blocks\.\d|classifier|logits|output)")


@cache
def model_and_images(seed):
    model = SwinTransformer.random(CONFIG)
    redraw(model, seed)
    return model, np.random.default_rng(seed).standard_normal((2, 3, *CONFIG.img_size), np.float32)


def autocast(dtype):
    def run(twin, images):
        with torch.autocast("cpu", dtype=dtype):
            return record(twin, images)
    return run


def quantised(per_channel):
    """The linear layers by PyTorch's dynamic quantisation."""
    def run(twin, images):
        settings = ({torch.nn.Linear: torch.ao.quantization.per_channel_dynamic_qconfig} if per_channel
                    else {torch.nn.Linear})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")            # of deprecation
            return record(torch.ao.quantization.quantize_dynamic(twin, settings, dtype=torch.qint8), images)
    return run


KINDS = {
    "half": (lambda twin, images: record(twin.half(), images), "float32|float16"),
    "bfloat16": (lambda twin, images: record(twin.bfloat16(), images), "float32|bfloat16"),
    "autocast to bfloat16": (autocast(torch.bfloat16), "float32|.*bfloat16.*"),
    "autocast to float16": (autocast(torch.float16), "float32|.*float16.*"),
    "dynamic int8": (quantised(False), ".*uint[78] with a zero point; weights of int8, a scale for each tensor.*"),
    "dynamic int8 by rows": (quantised(True), ".*uint[78] with a zero point; weights of int8, a scale for each row.*"),
}


@pytest.mark.parametrize("seed", long_but([1], [1, 2]))
@pytest.mark.parametrize("blocks_only", [False, True], ids=["all", "blocks"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_model_in_an_arithmetic_of_torch_agrees(kind, blocks_only, seed):
    model, images = model_and_images(seed)
    run, expected = KINDS[kind]
    points = run(torch_twin(model, torch.float32, "eager"), images)
    if blocks_only:
        points = {name: value for name, value in points.items() if BLOCKS.fullmatch(name)}
    report = crosscheck(Reference.of(model, images), Candidate(points), clock=UNLIMITED)
    assert report.verdict == "agree", report.summary()
    assert re.fullmatch(expected, report.noise.arithmetic.name)
