"""Models of timm, torchvision and transformers by name: they get the reference's weights, and agree."""

import numpy as np
import pytest

from swin_np import TIMM, SwinConfig, SwinTransformer
from swin_np.crosscheck import live
from swin_np.crosscheck.referee import crosscheck
from swin_np.crosscheck.reference import Reference
from swin_np.errors import InputError
from swin_np.layers import redraw

torch = pytest.importorskip("torch")
timm = pytest.importorskip("timm")
torchvision = pytest.importorskip("torchvision")
transformers = pytest.importorskip("transformers")

SMALL = {"embed_dim": 8, "depths": (1, 2), "num_heads": (1, 2), "window_size": 7}


def drawn(size=(56, 56), classes=3, **settings) -> Reference:
    model = SwinTransformer.random(SwinConfig(size, num_classes=classes, shape_policy=TIMM, **{**SMALL, **settings}))
    redraw(model, 1)
    return Reference.of(model, np.random.default_rng(0).standard_normal((2, 3, *size)).astype(np.float32))


@pytest.fixture
def small_models(monkeypatch, tmp_path):
    """A small model of each library, by name."""
    kind = timm.models.swin_transformer.SwinTransformer
    monkeypatch.setattr(timm, "list_models", lambda: ["small_swin"])
    monkeypatch.setattr(timm, "create_model", lambda name, pretrained, num_classes, img_size: kind(
        img_size=img_size, num_classes=num_classes, **SMALL))
    module = torchvision.models.swin_transformer
    monkeypatch.setattr(torchvision.models, "list_models", lambda: ["small_swin"])
    monkeypatch.setattr(torchvision.models, "get_model", lambda name, weights, num_classes: module.SwinTransformer(
        patch_size=[4, 4], embed_dim=8, depths=[1, 2], num_heads=[1, 2], window_size=[7, 7], num_classes=num_classes))
    transformers.SwinConfig(image_size=56, **SMALL).save_pretrained(tmp_path / "folder")
    return {"timm": "timm:small_swin", "torchvision": "torchvision:small_swin",
            "transformers": f"transformers:{tmp_path / 'folder'}"}


@pytest.mark.parametrize("classes", [3, 0])
@pytest.mark.parametrize("library", ["timm", "torchvision", "transformers"])
def test_a_model_by_its_name_agrees_in_the_names_of_its_library(library, classes, small_models):
    reference = drawn(classes=classes)
    report = crosscheck(reference, live.live_candidate(small_models[library], reference))
    assert (report.verdict, report.dialect, report.precision) == ("agree", library, "float32")
    assert "output" in [point.name for point in report.points]


@pytest.mark.parametrize("size", [(56, 84), (60, 52)])
def test_timm_builds_the_model_for_the_images_of_the_reference(size, small_models):
    reference = drawn(size)
    assert crosscheck(reference, live.live_candidate(small_models["timm"], reference)).verdict == "agree"


@pytest.mark.long
def test_the_registered_swin_of_timm_and_torchvision_agree():
    reference = drawn((224, 224), 5, embed_dim=96, depths=(2, 2, 6, 2), num_heads=(3, 6, 12, 24))
    for name in ("timm:swin_tiny_patch4_window7_224.ms_in1k", "torchvision:swin_t"):
        assert crosscheck(reference, live.live_candidate(name, reference)).verdict == "agree"


def test_a_mistake_in_the_library_is_found(small_models, monkeypatch):
    attention = timm.models.swin_transformer.WindowAttention
    forward = attention.forward
    monkeypatch.setattr(attention, "forward", lambda self, x, mask=None: forward(self, x, None))
    reference = drawn((112, 112))                      # its second stage has four windows
    finding, = crosscheck(reference, live.live_candidate(small_models["timm"], reference)).findings
    assert finding.mistake == "no-mask"


@pytest.mark.parametrize(("text", "words"), [
    ("timm:swin_tinny_patch4_window7_224", "timm has no model .*: give one that it has, such as .*swin_tiny_patch4"),
    ("torchvision:swin_tt", "torchvision has no model swin_tt: give one that it has, such as swin_t"),
    ("timm:resnet18", "timm does not build the model resnet18"),
    ("torchvision:resnet18", "do not fit torchvision:resnet18, .* tensors: for conv1.weight the reference has no such"),
    ("timm:swin_tiny_patch4_window7_224", "do not fit timm:swin_tiny"),
    ("transformers:/no/such/folder", "transformers does not build the model /no/such/folder"),
    ("timm:", "names no model")])
def test_what_cannot_be_built_or_does_not_fit_is_one_sentence(text, words):
    with pytest.raises(InputError, match=words) as error:
        live.live_candidate(text, drawn())
    assert "\n" not in str(error.value) and len(str(error.value)) < 400


def test_a_library_that_is_not_there_is_said(monkeypatch):
    def without(name):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(live, "import_module", without)
    with pytest.raises(InputError, match=r"needs timm and torch, which cannot be imported .*No module named 'timm'"):
        live.live_candidate("timm:swin_tiny_patch4_window7_224", drawn())


def test_a_trace_without_weights_cannot_be_given_to_a_model():
    reference = Reference.of_points({"output": np.ones((1, 3))}, None)
    with pytest.raises(InputError, match="needs weights"):
        live.live_candidate("timm:swin_tiny_patch4_window7_224", reference)


def test_what_the_library_cannot_hold_is_said(small_models):
    with pytest.raises(InputError, match="no model of torchvision has these weights: its qkv_bias is False"):
        live.live_candidate(small_models["torchvision"], drawn(qkv_bias=False))


@pytest.mark.parametrize(("text", "expected"), [
    ("timm:swin", True), ("torchvision:swin_t", True), ("transformers:owner/name", True), ("dumps", False),
    ("timm", False), ("timm/file.npz", False), ("C:\\dumps", False), ("https://timm:x", False)])
def test_a_name_of_a_model_is_told_from_a_path(text, expected):
    assert live.is_live(text) == expected
