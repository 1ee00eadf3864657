"""A live torch model as a candidate: hooks, names and dtypes of transformers."""

import numpy as np
import pytest

from swin_np.crosscheck.candidates import Candidate
from swin_np.crosscheck.referee import crosscheck
from swin_np.crosscheck.reference import Reference
from tests.crosscheck.models import CONFIG, check, model_and_images, reference

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from oracle.planted_mistakes import PLANTED_IN_TORCH  # noqa: E402
from oracle.swin_twin import torch_twin  # noqa: E402
from swin_np.crosscheck.torch_models import record  # noqa: E402

MISTAKES = ("no-mask", "index-transposed", "gelu-by-tanh", "merge-row-major")
OTHER_INSIDE = ("qkv-split-by-head", "pool-before-the-norm", "softmax-in-the-model")      # their points inside differ


def recorded(dtype, attention="sdpa", mistake=None):
    model, images = model_and_images()
    twin = torch_twin(model, dtype, attention)
    if mistake:
        PLANTED_IN_TORCH[mistake](twin)
    return record(twin, images)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_a_correct_model_agrees_in_every_precision(dtype, attention):
    report = check(recorded(dtype, attention))
    assert report.verdict == "agree"
    assert report.dialect == "transformers"
    softmax_in_float32 = attention == "eager" and dtype == torch.float64
    assert report.precision == ("float32" if softmax_in_float32 else str(dtype).removeprefix("torch."))


def test_the_points_of_every_block_are_found_and_the_three_linear_layers_are_put_together():
    names = {point.name: point.theirs for point in check(recorded(torch.float32)).points}
    for i in range(len(CONFIG.depths)):
        for j in range(CONFIG.depths[i]):
            block = f"layers.{i}.blocks.{j}"
            assert {block, *(f"{block}.{part}" for part in ("norm1", "attn", "attn.proj", "mlp"))} <= set(names)
            assert names[f"{block}.attn.qkv"].count("_proj") == 3


@pytest.mark.parametrize("name", MISTAKES + OTHER_INSIDE)
def test_a_mistake_planted_in_torch_is_named(name):
    assert [finding.mistake for finding in check(recorded(torch.float32, mistake=name)).findings] == [name]


def test_a_large_mistake_is_named_in_bfloat16():
    report = check(recorded(torch.bfloat16, mistake="scale-left-out"))
    assert [finding.mistake for finding in report.findings] == ["scale-left-out"]


def test_no_hook_stays_behind():
    model, images = model_and_images()
    twin = torch_twin(model, torch.float32)
    record(twin, images)
    assert not any(module._forward_hooks for module in twin.modules())


def test_any_other_torch_model_can_be_compared_by_its_own_names(rng):
    layers = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3)).eval()
    x = rng.standard_normal((5, 4)).astype(np.float32)
    points = record(layers, x)
    assert set(points) == {"0", "1", "2", "output"}
    own = Reference.of_points({name: value.astype(np.float64) for name, value in points.items()}, None)
    assert crosscheck(own, Candidate(points)).verdict == "agree"
    points["1"] = points["1"] + 1
    assert crosscheck(own, Candidate(points)).first == "1"
    assert reference().model is not None
