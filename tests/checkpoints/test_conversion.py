"""Conversion between the libraries: each writes a file, it is converted, and the other loads it strictly and agrees.

The sources are the real libraries' models with large random weights, saved by them; logits are compared in float64.
"""

import functools
import json
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import swin_np
from swin_np.commands.cli import main
from swin_np.errors import SwinWarning
from swin_np.functional import Array
from tests.lengths import long_but
from tests.matching import MODEL_TOLERANCE, assert_matches

torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
timm, torchvision = pytest.importorskip("timm"), pytest.importorskip("torchvision")
safetensors_torch = pytest.importorskip("safetensors.torch")

SIZE, CLASSES = (64, 96), 5                            # maps of 16x24 and 8x12: multiples of the window 4, and larger
SWIN = {"embed_dim": 8, "depths": [2, 2], "num_heads": [1, 2], "mlp_ratio": 2.0}


def redraw(model: torch.nn.Module) -> torch.nn.Module:
    """The model in evaluation mode, its weights drawn large, the running variances positive."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator)
                            * (0.5 if parameter.ndim < 2 else parameter[0].numel() ** -0.5))
        for name, buffer in model.named_buffers():
            if name.endswith("running_mean"):
                buffer.copy_(torch.randn(buffer.shape, generator=generator))
            elif name.endswith("running_var"):
                buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.5)
        if isinstance(model, torchvision.models.SwinTransformer):      # its keys have no bias, whatever is stored
            for name, parameter in model.named_parameters():
                if name.endswith("qkv.bias") and is_v2(model):
                    parameter[len(parameter) // 3:2 * len(parameter) // 3] = 0
    return model.eval()


def is_v2(model: torch.nn.Module) -> bool:
    return any(name.endswith("logit_scale") for name, _ in model.named_parameters())


# The libraries' models.

def torchvision_swin(v2: bool, size, pretrained) -> torch.nn.Module:
    module = torchvision.models.swin_transformer
    second = {"block": module.SwinTransformerBlockV2, "downsample_layer": module.PatchMergingV2} if v2 else {}
    return module.SwinTransformer([4, 4], window_size=[4, 4], num_classes=CLASSES, **SWIN, **second)


def timm_swin(v2: bool, size, pretrained) -> torch.nn.Module:
    kind = timm.models.swin_transformer_v2.SwinTransformerV2 if v2 else timm.models.swin_transformer.SwinTransformer
    more = {"pretrained_window_sizes": pretrained} if v2 else {}
    return kind(img_size=size, window_size=4, num_classes=CLASSES, **SWIN, **more)


def transformers_swin(v2: bool, size, pretrained) -> torch.nn.Module:
    kind, more = ("Swinv2", {"pretrained_window_sizes": pretrained}) if v2 else ("Swin", {})
    return getattr(transformers, f"{kind}ForImageClassification")(getattr(transformers, f"{kind}Config")(
        image_size=size, window_size=4, num_labels=CLASSES, **SWIN, **more))


SWINS = {"timm": timm_swin, "torchvision": torchvision_swin, "transformers": transformers_swin}


def torchvision_vit() -> torch.nn.Module:
    return torchvision.models.VisionTransformer(32, 8, 2, 3, 24, 48, num_classes=CLASSES)


def timm_vit(distilled: bool = False, size=32, classes: int = CLASSES) -> torch.nn.Module:
    kind = timm.models.deit.VisionTransformerDistilled if distilled else timm.models.VisionTransformer
    return kind(img_size=size, patch_size=8, embed_dim=24, depth=2, num_heads=3, mlp_ratio=2, num_classes=classes)


def transformers_vit(kind: str = "ViTForImageClassification", size=32, classes: int = CLASSES) -> torch.nn.Module:
    return getattr(transformers, kind)(getattr(transformers, f"{kind[:4].removesuffix('F')}Config")(
        image_size=size, patch_size=8, hidden_size=24, num_hidden_layers=2, num_attention_heads=3,
        intermediate_size=48, num_labels=classes, layer_norm_eps=1e-6))


VITS = {"timm": timm_vit, "torchvision": torchvision_vit, "transformers": transformers_vit}


def torchvision_resnet(block: str, **more) -> torch.nn.Module:
    module = torchvision.models.resnet
    return module.ResNet(getattr(module, block), [1, 1, 2, 1], num_classes=CLASSES, **more)


def timm_resnet(block: str, **more) -> torch.nn.Module:
    return timm.models.resnet.ResNet(getattr(timm.models.resnet, block), [1, 1, 2, 1], num_classes=CLASSES, **more)


def transformers_resnet(block: str) -> torch.nn.Module:
    width = 4 if block == "Bottleneck" else 1
    return transformers.ResNetForImageClassification(transformers.ResNetConfig(
        embedding_size=64, hidden_sizes=[width * 64 * 2**stage for stage in range(4)], depths=[1, 1, 2, 1],
        layer_type="bottleneck" if width == 4 else "basic", num_labels=CLASSES))


RESNETS = {"timm": timm_resnet, "torchvision": torchvision_resnet, "transformers": transformers_resnet}


# From one to the other.

@dataclass
class Report:
    """What `swin-np convert --json` said, and where."""

    folder: Path
    said: dict

    def change(self, words: str) -> str:
        """The one change that has these words."""
        (sentence,) = [sentence for sentence in self.said["changes"] if words in sentence]
        return sentence


@pytest.fixture
def convert(tmp_path: Path, capsys) -> Callable[..., Report]:
    """Save a model as its library does, convert it to a dialect into a folder of its own, and give the report."""
    def run(model: torch.nn.Module, to: str, *options: str, in_memory: bool = False, beside: dict | None = None,
            target: str = "out") -> Report:
        source = tmp_path / "in"
        source.mkdir()
        if isinstance(model, transformers.PreTrainedModel) and not in_memory:
            model.save_pretrained(source)
        else:
            torch.save(model.state_dict(), source / "model.pth")
            source = source / "model.pth"
        for name, content in (beside or {}).items():
            (tmp_path / "in" / name).write_text(json.dumps(content))
        capsys.readouterr()
        status = main(["convert", str(source), str(tmp_path / target), "--to", to, "--json", *options])
        captured = capsys.readouterr()
        assert status == 0, captured.err
        return Report(tmp_path / "out", json.loads(captured.out))
    return run


def reloaded(report: Report, **more) -> torch.nn.Module:
    """The model that the target's own loader makes of the folder, every key in its place."""
    library = report.said["to"].partition("-")[0]
    if library == "timm":
        return timm.create_model(f"local-dir:{report.folder}", pretrained=True, **more).eval()
    if library == "transformers":
        kind = json.loads((report.folder / "config.json").read_text())["architectures"][0]
        model, info = getattr(transformers, kind).from_pretrained(report.folder, output_loading_info=True)
        assert not any(info[what] for what in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"))
        return model.eval()
    built = report.change("torchvision builds it by").removeprefix("torchvision builds it by ").removesuffix(".")
    model = eval(built, {"torchvision": torchvision, "torch": torch, "functools": functools})
    model.load_state_dict(safetensors_torch.load_file(report.folder / "model.safetensors"), strict=True)
    return model.eval()


def logits(model: torch.nn.Module, images: Array) -> Array:
    """The scores in float64; what a model keeps beside its state in float32 is made again in double."""
    with torch.inference_mode():
        found = model.double()(torch.from_numpy(images))
    return getattr(found, "logits", found).numpy()


def assert_same(model: torch.nn.Module, report: Report, images: Array, **more) -> None:
    """Source and target give the same logits in float64, and so does the folder that was written, read here.

    Of what its config.json could answer nothing is assumed.
    """
    expected = logits(model, images)
    assert_matches(logits(reloaded(report, **more), images), expected, MODEL_TOLERANCE)
    assert not any("are others" in sentence for sentence in report.said["changes"])
    told = "config.json" in report.said["files"]
    asked = {"num_heads": 3} if not told and "heads=3" in report.change("builds it by") else {}
    with warnings.catch_warnings():
        warnings.simplefilter("error" if told else "ignore", SwinWarning)
        ours = swin_np.load(report.folder, dtype=np.float64, **asked)
    assert_matches(ours(images), expected, MODEL_TOLERANCE)


IMAGE_SIZE = ("--image-size", *map(str, SIZE))


@pytest.mark.parametrize("in_memory", [False, True])
@pytest.mark.parametrize("target", [*SWINS, "transformers-files"])
@pytest.mark.parametrize("source", SWINS)
def test_a_swin_of_one_library_has_the_same_logits_in_another(source, target, in_memory, convert, rng):
    if in_memory and source != "transformers":
        pytest.skip("it has one kind of file")
    model = redraw(SWINS[source](False, SIZE, None))
    told = source == "transformers" and not in_memory
    report = convert(model, target, *(() if told else IMAGE_SIZE), in_memory=in_memory)
    assert_same(model, report, rng.standard_normal((2, 3, *SIZE)))


@pytest.mark.parametrize("pretrained", [[0, 0], [6, 3]])
@pytest.mark.parametrize("target", SWINS)
@pytest.mark.parametrize("source", SWINS)
def test_a_swin_v2_of_one_library_has_the_same_logits_in_another(source, target, pretrained, convert, rng):
    if source == "torchvision" and any(pretrained):
        pytest.skip("torchvision has no such models")
    model = redraw(SWINS[source](True, SIZE, pretrained))
    more = {"timm": (*IMAGE_SIZE, "--window-size", "4", "--pretrained-window-sizes", *map(str, pretrained)),
            "torchvision": IMAGE_SIZE}
    report = convert(model, target, *more.get(source, ()))
    if target == "torchvision" and any(pretrained):
        assert "6 3, are in the stored relative_coords_table" in report.change("first training")
    assert_same(model, report, rng.standard_normal((2, 3, *SIZE)))


@pytest.mark.parametrize("target", [*VITS, "transformers-files"])
@pytest.mark.parametrize("source", VITS)
def test_a_vit_of_one_library_has_the_same_logits_in_another(source, target, convert, rng):
    model = redraw(VITS[source]())
    report = convert(model, target, *(() if source == "transformers" else ("--num-heads", "3")))
    assert not any("eps" in sentence for sentence in report.said["changes"])
    assert_same(model, report, rng.standard_normal((2, 3, 32, 32)))


DEITS = {"timm": (functools.partial(timm_vit, True), "transformers-deit"),
         "two heads": (functools.partial(transformers_vit, "DeiTForImageClassificationWithTeacher"), "timm"),
         "in files": (functools.partial(transformers_vit, "DeiTForImageClassificationWithTeacher"),
                      "transformers-deit-files"),
         "one head": (functools.partial(transformers_vit, "DeiTForImageClassification"), "transformers-deit-one-head"),
         "one head in files": (functools.partial(transformers_vit, "DeiTForImageClassification"),
                               "transformers-deit-one-head-files"),
         "no head": (functools.partial(timm_vit, True, classes=0), "transformers-deit")}


@pytest.mark.parametrize("case", DEITS)
def test_a_deit_of_one_library_has_the_same_logits_in_another(case, convert, rng):
    build, target = DEITS[case]
    model = redraw(build(size=(32, 48)))
    options = () if isinstance(model, transformers.PreTrainedModel) else ("--num-heads", "3", "--image-size", "32", "48")
    assert_same(model, convert(model, target, *options), rng.standard_normal((2, 3, 32, 48)))


@pytest.mark.parametrize("block", ["BasicBlock", "Bottleneck"])
@pytest.mark.parametrize("target", RESNETS)
@pytest.mark.parametrize("source", RESNETS)
def test_a_resnet_of_one_library_has_the_same_logits_in_another(source, target, block, convert, rng):
    model = redraw(RESNETS[source](block))
    assert_same(model, convert(model, target), rng.standard_normal((2, 3, 64, 96)))
