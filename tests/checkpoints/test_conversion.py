"""Conversion between the libraries: each writes a file, it is converted, and the other loads it strictly and agrees.

The sources are the real libraries' models with large random weights, saved by them; logits are compared in float64.
"""

import functools
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import swin_np
from swin_np.arguments.config_fields import by_stage
from swin_np.baselines.resnet import RESNET_VARIANTS
from swin_np.baselines.swin_v2 import SWIN_V2_VARIANTS, SwinV2Config
from swin_np.baselines.vit import VIT_VARIANTS
from swin_np.checkpoints.config_files.for_timm import (
    RESNET_NAMES,
    SWIN_NAMES,
    SWIN_V2_NAMES,
    configuration,
    registered_swin,
)
from swin_np.checkpoints.config_files.presets import stored_preset
from swin_np.checkpoints.files import read
from swin_np.commands.cli import main
from swin_np.errors import SwinWarning
from swin_np.functional import Array
from swin_np.images import preprocess
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
    return model.eval()


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


@pytest.mark.parametrize("target", [*SWINS, "transformers-files"])
@pytest.mark.parametrize(("source", "in_memory"), [*((source, False) for source in SWINS), ("transformers", True)])
def test_a_swin_of_one_library_has_the_same_logits_in_another(source, target, in_memory, convert, rng):
    model = redraw(SWINS[source](False, SIZE, None))
    told = source == "transformers" and not in_memory
    report = convert(model, target, *(() if told else IMAGE_SIZE), in_memory=in_memory)
    assert_same(model, report, rng.standard_normal((2, 3, *SIZE)))


@pytest.mark.parametrize("target", SWINS)
@pytest.mark.parametrize(("source", "pretrained"), [
    *((source, [0, 0]) for source in SWINS), ("timm", [6, 3]), ("transformers", [6, 3])])
def test_a_swin_v2_of_one_library_has_the_same_logits_in_another(source, target, pretrained, convert, rng):
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
    told = isinstance(model, transformers.PreTrainedModel)
    options = () if told else ("--num-heads", "3", "--image-size", "32", "48")
    assert_same(model, convert(model, target, *options), rng.standard_normal((2, 3, 32, 48)))


@pytest.mark.parametrize("block", ["BasicBlock", "Bottleneck"])
@pytest.mark.parametrize("target", RESNETS)
@pytest.mark.parametrize("source", RESNETS)
def test_a_resnet_of_one_library_has_the_same_logits_in_another(source, target, block, convert, rng):
    model = redraw(RESNETS[source](block))
    assert_same(model, convert(model, target), rng.standard_normal((2, 3, 64, 96)))


@pytest.mark.parametrize("v2", [False, True])
def test_a_way_through_all_dialects_ends_with_the_tensors_of_its_beginning(v2, tmp_path, capsys):
    model = redraw(timm_swin(v2, SIZE, [6, 3]))
    torch.save(model.state_dict(), tmp_path / "model.pth")
    way = ["torchvision", "transformers", "microsoft", *([] if v2 else ["transformers-files", "mmpretrain"]), "timm"]
    path, options = tmp_path / "model.pth", [*IMAGE_SIZE]
    options += ["--window-size", "4", "--pretrained-window-sizes", "6", "3"] if v2 else []
    for step, dialect in enumerate(way):
        assert main(["convert", str(path), str(tmp_path / f"{step}"), "--to", dialect, *options]) == 0
        path, options = tmp_path / f"{step}", [] if dialect.startswith(("transformers", "timm")) else [*IMAGE_SIZE]
    again = timm.create_model(f"local-dir:{path}", pretrained=True).state_dict()
    assert again.keys() == model.state_dict().keys()
    for name, value in model.state_dict().items():
        assert torch.equal(again[name], value), name
    timm_told = json.loads((path / "config.json").read_text())["model_args"]
    assert timm_told.get("pretrained_window_sizes") == ([6, 3] if v2 else None)


def test_a_upernet_on_swin_goes_to_our_names_and_back(convert, tmp_path, rng):
    backbone = transformers.SwinConfig(image_size=64, window_size=4, out_features=["stage1", "stage2"], **SWIN)
    model = redraw(transformers.UperNetForSemanticSegmentation(transformers.UperNetConfig(
        backbone_config=backbone, hidden_size=8, use_auxiliary_head=False, num_labels=3)))
    report = convert(model, "swin_np")
    assert main(["convert", str(report.folder), str(tmp_path / "back"), "--to", "transformers"]) == 0
    back, info = transformers.UperNetForSemanticSegmentation.from_pretrained(tmp_path / "back",
                                                                             output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    images = rng.standard_normal((2, 3, 64, 48))
    assert_matches(logits(back.eval(), images), logits(model, images), MODEL_TOLERANCE)


# What the files beside the weights tell.

def test_another_eps_of_a_swins_norms_goes_to_transformers_alone(convert, tmp_path, capsys, rng):
    model = transformers.SwinForImageClassification(transformers.SwinConfig(
        image_size=SIZE, window_size=4, num_labels=CLASSES, layer_norm_eps=0.1, **SWIN))
    assert_same(redraw(model), convert(model, "transformers"), rng.standard_normal((2, 3, *SIZE)))
    for target, dialect in (("other", "timm"), ("third", "microsoft")):
        assert main(["convert", str(tmp_path / "in"), str(tmp_path / target), "--to", dialect]) == 2
        assert "which only transformers' config.json can tell" in capsys.readouterr().err
        assert not (tmp_path / target).exists()


@pytest.mark.parametrize("target", ["timm", "torchvision"])
def test_another_eps_of_a_vit_is_said_with_the_argument_that_gives_it(target, convert, rng):
    model = transformers.ViTForImageClassification(transformers.ViTConfig(
        image_size=32, patch_size=8, hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=48,
        num_labels=CLASSES, layer_norm_eps=0.1))
    report, images = convert(redraw(model), target), rng.standard_normal((2, 3, 32, 32))
    said = report.change("without it the numbers are others")
    assert f"is 0.1, and {target} has 1e-06" in said and "functools.partial(torch.nn.LayerNorm, eps=0.1)" in said
    more = {"norm_layer": functools.partial(torch.nn.LayerNorm, eps=0.1)} if target == "timm" else {}
    assert_matches(logits(reloaded(report, **more), images), logits(model, images), MODEL_TOLERANCE)


def test_names_of_classes_and_preparation_are_carried_to_the_other_library_and_back(convert, tmp_path):
    names = ["cat", "dog", "crane", "crane", "a fox"]                   # ImageNet has two cranes
    model = redraw(transformers_swin(False, SIZE, None))
    model.config.id2label = dict(enumerate(names))
    processor = {"image_processor_type": "ViTImageProcessor", "size": {"height": 64, "width": 96}, "resample": 2,
                 "image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.4]}
    report = convert(model, "timm", beside={"preprocessor_config.json": processor})
    told = json.loads((report.folder / "config.json").read_text())
    settings = timm.data.resolve_data_config(pretrained_cfg=told["pretrained_cfg"])
    assert settings == {"input_size": [3, 64, 96], "interpolation": "bilinear", "mean": [0.5, 0.4, 0.3],
                        "std": [0.2, 0.3, 0.4], "crop_pct": 1.0, "crop_mode": "squash"}
    assert told["label_names"] == names
    assert main(["convert", str(report.folder), str(tmp_path / "back"), "--to", "transformers"]) == 0
    back = transformers.AutoConfig.from_pretrained(tmp_path / "back")
    assert back.id2label == dict(enumerate(names))
    again = json.loads((tmp_path / "back" / "preprocessor_config.json").read_text())
    assert again.items() >= processor.items()


@pytest.mark.parametrize(("size", "mode", "kind"), [
    (64, "center", "ConvNextImageProcessor"), (64, "squash", "DeiTImageProcessor")])
def test_transformers_prepares_images_as_timm_does(size, mode, kind, convert):
    told = {"architecture": "swin_tiny_patch4_window7_224", "num_classes": CLASSES, "model_args": {
        **SWIN, "window_size": 4}, "pretrained_cfg": {
            "input_size": [3, size, size], "fixed_input_size": True, "crop_pct": 0.8, "crop_mode": mode,
            "interpolation": "bicubic", "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4]}}
    report = convert(redraw(timm_swin(False, size, None)), "transformers-files", beside={"config.json": told})
    processor = transformers.AutoImageProcessor.from_pretrained(report.folder)
    assert type(processor).__name__.startswith(kind)
    noise = np.random.default_rng(0).integers(0, 256, (100, 160, 3), np.uint8)
    theirs = np.asarray(processor(noise, return_tensors="np")["pixel_values"][0])
    ours = preprocess(noise, stored_preset(read(report.folder).preprocessing))
    assert np.abs(theirs - ours).max() < 0.1           # a tensor is resized otherwise than an image, by a grey level


DEIT_PROCESSOR = {"image_processor_type": "DeiTImageProcessor", "size": {"height": 80, "width": 120}, "resample": 3,
                  "do_center_crop": True, "crop_size": {"height": 64, "width": 96}, "image_mean": [0.5, 0.4, 0.3],
                  "image_std": [0.2, 0.3, 0.4]}
CONVNEXT_PROCESSOR = {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 64}, "resample": 3,
                      "crop_pct": 0.8, "image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.4]}


@pytest.mark.parametrize(("size", "processor", "shape"), [
    (SIZE, DEIT_PROCESSOR, (80, 120)), (64, CONVNEXT_PROCESSOR, (80, 128))])
def test_timm_prepares_images_as_transformers_does(size, processor, shape, convert):
    report = convert(redraw(transformers_swin(False, size, None)), "timm",
                     beside={"preprocessor_config.json": processor})
    told = json.loads((report.folder / "config.json").read_text())
    transform = timm.data.create_transform(**timm.data.resolve_data_config(pretrained_cfg=told["pretrained_cfg"]))
    noise = np.random.default_rng(0).integers(0, 256, (100, 160, 3), np.uint8)
    preset = stored_preset(read(Path(report.said["source"])).preprocessing)
    theirs, ours = transform(Image.fromarray(noise)).numpy(), preprocess(noise, preset)[0]
    assert transform.transforms[0](Image.fromarray(noise)).size[::-1] == shape
    np.testing.assert_allclose(theirs, ours, atol=1e-5)              # an even number of pixels is cut off
    assert "timm rounds half to even, the source down" in report.change("Where an odd number of pixels")


@pytest.mark.parametrize("size", [SIZE, (64, 64)])
def test_the_preparation_of_timms_images_stays_with_a_model_of_timms(size, convert):
    told = {"architecture": "swin_tiny_patch4_window7_224", "num_classes": CLASSES, "model_args": {
        **SWIN, "window_size": 4}, "pretrained_cfg": {
            "input_size": [3, *size], "fixed_input_size": True, "crop_pct": 0.9, "crop_mode": "center",
            "interpolation": "bicubic", "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4]}}
    report = convert(redraw(timm_swin(False, size, None)), "timm", beside={"config.json": told})
    before, after = (stored_preset(read(Path(path)).preprocessing) for path in (report.said["source"], report.folder))
    assert before == after


def test_what_no_file_tells_is_left_out_and_said(convert):
    report = convert(redraw(transformers_swin(False, SIZE, None)), "timm")
    told = json.loads((report.folder / "config.json").read_text())
    assert not {"mean", "std", "crop_pct", "interpolation"} & told["pretrained_cfg"].keys()
    assert "no file beside the source says it" in report.change("How images are prepared was not written")


def test_a_model_that_timm_registers_needs_no_arguments():
    expected = {"swin_t": "swin_tiny_patch4_window7_224", "swin_s": "swin_small_patch4_window7_224",
                "swin_b": "swin_base_patch4_window7_224", "swin_l_384": "swin_large_patch4_window12_384",
                "swin_v2_t": "swinv2_tiny_window8_256", "vit_b_16": "vit_base_patch16_224",
                "deit_s_distilled": "deit_small_distilled_patch16_224", "resnet_18": "resnet18",
                "resnet_152": "resnet152"}
    variants = swin_np.VARIANTS | SWIN_V2_VARIANTS | VIT_VARIANTS | RESNET_VARIANTS
    for variant, name in expected.items():
        told = configuration(variants[variant], None, None)
        assert (told["architecture"], told["model_args"]) == (name, {}), variant


def test_every_name_written_is_one_that_timm_registers_with_those_arguments():
    assert {*RESNET_NAMES.values()} <= {*timm.list_models()}
    for config, names in ((swin_np.SwinConfig(), SWIN_NAMES), (SwinV2Config(), SWIN_V2_NAMES)):
        for name in names:
            ours = registered_swin(config, name)
            with torch.device("meta"):
                theirs = timm.create_model(name)
            assert theirs.embed_dim == ours["embed_dim"], name
            assert tuple(len(layer.blocks) for layer in theirs.layers) == ours["depths"]
            assert tuple(layer.blocks[0].attn.num_heads for layer in theirs.layers) == ours["num_heads"]
            assert tuple(theirs._ref_window_sizes) == by_stage("window_size", ours["window_size"], 4)
            if "pretrained_window_sizes" in ours:
                assert tuple(layer.blocks[0].attn.pretrained_window_size[0] for layer in theirs.layers) \
                    == ours["pretrained_window_sizes"]


# What changes is said.

@pytest.mark.parametrize(("source", "target"), [("transformers", "torchvision"), ("transformers", "timm"),
                                                ("timm", "transformers"), ("torchvision", "transformers")])
def test_maps_of_one_window_that_the_other_shifts_or_clamps_otherwise_are_said(source, target, convert, rng):
    size = (32, 64)                                    # the last map is 4x8, one window high and two wide
    model = redraw(SWINS[source](False, size, None))
    report = convert(model, target, *(() if source == "transformers" else ("--image-size", "32", "64")))
    images = rng.standard_normal((2, 3, *size))
    assert "On images of 32x64 pixels" in report.change("in stage 2: its numbers are others")
    theirs, ours = logits(reloaded(report), images), logits(model, images)
    assert np.abs(theirs - ours).max() > 1e-6


def test_what_is_set_aside_is_said(convert):
    vit = transformers.ViTModel(transformers.ViTConfig(
        image_size=32, patch_size=8, hidden_size=24, num_hidden_layers=1, num_attention_heads=3, intermediate_size=48))
    assert "pooler.dense.weight" in convert(redraw(vit), "timm").change("Set aside")


def test_the_keys_third_of_a_fused_bias_is_said(convert):
    report = convert(redraw(timm_swin(True, SIZE, [0, 0])), "torchvision", *IMAGE_SIZE, "--window-size", "4",
                     "--pretrained-window-sizes", "0")
    assert report.change("third of every qkv.bias") == "The keys have no bias: their third of every qkv.bias is 0."
    assert "Added 8 derived buffers, relative_coords_table, relative_position_index" in report.change("Added")


def test_numbers_of_bfloat16_become_float32_and_it_is_said(convert):
    model = redraw(transformers_swin(False, SIZE, None)).bfloat16()
    report = convert(model, "timm")
    assert "such as bfloat16 has" in report.change("bfloat16")
    written = safetensors_torch.load_file(report.folder / "model.safetensors")
    assert {value.dtype for value in written.values()} == {torch.float32}
    assert torch.equal(written["head.fc.weight"].bfloat16(), model.classifier.weight)


@pytest.mark.parametrize("head", ["head", "heads"])
def test_a_model_without_a_head_says_what_to_set_in_torchvision(head, convert, rng):
    swin = head == "head"
    model = redraw(timm.models.swin_transformer.SwinTransformer(img_size=SIZE, window_size=4, num_classes=0, **SWIN)
                   if swin else timm_vit(classes=0))
    images = rng.standard_normal((2, 3, *(SIZE if swin else (32, 32))))
    report = convert(model, "torchvision", *(IMAGE_SIZE if swin else ("--num-heads", "3")))
    assert f"set the model's {head} to torch.nn.Identity()" in report.change("no classifier")
    built = report.change("builds it by").removeprefix("torchvision builds it by ").removesuffix(".")
    theirs = eval(built, {"torchvision": torchvision})
    setattr(theirs, head, torch.nn.Identity())
    theirs.load_state_dict(safetensors_torch.load_file(report.folder / "model.safetensors"), strict=True)
    assert_matches(logits(theirs.eval(), images), logits(model, images), MODEL_TOLERANCE)
