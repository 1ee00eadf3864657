"""Every system in the libraries: their modules agree by name, live by their models' names, from files and from ONNX."""

import contextlib
import io
import json
import re
import warnings
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

from oracle import libraries  # noqa: F401 - before torchvision
from swin_np.checkpoints.dialects.dense import UPERNET_DIALECTS
from swin_np.checkpoints.dialects.swin_v2 import SWIN_V2_DIALECTS
from swin_np.checkpoints.dialects.translation import from_official
from swin_np.checkpoints.formats.npz import write_npz
from swin_np.commands.cli import main
from swin_np.crosscheck import live
from swin_np.crosscheck.candidates import Candidate
from swin_np.crosscheck.isolate import units
from swin_np.crosscheck.referee import crosscheck
from swin_np.crosscheck.reference import Reference
from swin_np.errors import InputError
from tests.crosscheck.systems import CONFIGS, RES2NET, RESNET, SETTINGS, SWIN, V2, VIT, drawn

torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
timm, torchvision = pytest.importorskip("timm"), pytest.importorskip("torchvision")

from oracle import vision_twins  # noqa: E402
from oracle.twins import loaded, resnet_twin, vit_twin  # noqa: E402
from swin_np.crosscheck.torch_models import record  # noqa: E402

SQUARE, WIDE = replace(VIT, img_size=(16, 16)), {"inplanes": 64}
HF_SWIN = {**SETTINGS, "mlp_ratio": 2.0, "image_size": SETTINGS["img_size"], "num_labels": SETTINGS["num_classes"]}


def timm_vit(config, kind):
    return lambda: kind(img_size=config.img_size, patch_size=config.patch_size, num_classes=5, embed_dim=12, depth=2,
                        num_heads=3, mlp_ratio=2)


def timm_res2net(config):
    options = {"stem_width": 32, "stem_type": "deep", "avg_down": True} if config.avg_down else {}
    return lambda: timm.models.resnet.ResNet(timm.models.res2net.Bottle2neck, config.layers, 5, base_width=32,
                                             block_args={"scale": config.scale}, **options)


def hugging_face_v2(model):
    settings = transformers.Swinv2Config(**{name: value for name, value in HF_SWIN.items() if name != "image_size"},
                                         image_size=model.config.img_size[0])
    return loaded(transformers.Swinv2ForImageClassification(settings),
                  from_official(model.state_dict(), SWIN_V2_DIALECTS["transformers"]))


def hugging_face_upernet(model):
    backbone = transformers.SwinConfig(**HF_SWIN, out_features=["stage1", "stage2"])
    twin = transformers.UperNetForSemanticSegmentation(transformers.UperNetConfig(
        backbone_config=backbone, hidden_size=8, num_labels=5, use_auxiliary_head=False))
    unused = {name: value.numpy() for name, value in twin.state_dict().items() if "swin.layernorm" in name
              or name.endswith("num_batches_tracked")}
    return loaded(twin, unused | from_official(model.state_dict(), UPERNET_DIALECTS["transformers"]))


MODELS = {
    "Swin V2 of timm": (V2, lambda model: vision_twins.twin(model, "timm", vision_twins.timm_swin(V2))),
    "Swin V2 of torchvision": (V2, lambda model: vision_twins.twin(
        model, "torchvision", vision_twins.torchvision_swin(V2))),
    "Swin V2 of transformers": (replace(V2, img_size=(64, 64)), hugging_face_v2),
    "ViT of timm": (VIT, lambda model: vision_twins.twin(
        model, "timm", timm_vit(VIT, timm.models.vision_transformer.VisionTransformer))),
    "ViT of torchvision": (SQUARE, lambda model: vision_twins.twin(
        model, "torchvision", vision_twins.torchvision_vit(SQUARE))),
    "ViT of transformers": (VIT, vit_twin),
    "DeiT of timm": (CONFIGS["DeiT"], lambda model: vision_twins.twin(
        model, "timm", timm_vit(VIT, timm.models.deit.VisionTransformerDistilled))),
    "DeiT of transformers": (CONFIGS["DeiT"], vit_twin),
    "ResNet of torchvision": (replace(RESNET, **WIDE), lambda model: vision_twins.twin(
        model, "torchvision", vision_twins.torchvision_resnet(model.config))),
    "basic ResNet of transformers": (CONFIGS["ResNet, basic"], lambda model: resnet_twin(model, "sdpa")),
    "ResNet of transformers": (RESNET, lambda model: resnet_twin(model, "sdpa")),
    "ResNeXt of torchvision": (replace(RESNET, cardinality=4, base_width=16, **WIDE), lambda model: vision_twins.twin(
        model, "torchvision", vision_twins.torchvision_resnet(model.config))),
    "Res2Net of timm": (replace(RES2NET, **WIDE), lambda model: vision_twins.twin(
        model, "res2net", timm_res2net(model.config))),
    "Res2Net v1b of timm": (replace(RES2NET, stem_type="deep", avg_down=True, **WIDE), lambda model: vision_twins.twin(
        model, "res2net", timm_res2net(model.config))),
    "UPerNet of transformers": (CONFIGS["UPerNet"], hugging_face_upernet),
}
"""Our configuration, and what makes the library's model of ours."""

NO_MODULE = {                                          # kinds of points that are no module there
    "Swin V2": r".*attn\.(windows|qkv|scores.*|reversed|rolled_back|q|k|v)|layers\.\d",
    "Swin V2 of torchvision": r".*\.attn(\.(windows|qkv|scores.*|probabilities|reversed|proj|q|k|v))?|layers\.\d",
    "Swin V2 of transformers": r".*attn\.(windows|qkv|scores.*|reversed|rolled_back)|.*\.mlp|patch_embed",
    "ViT": r".*attn\.(v|scores|probabilities)",
    "ViT of torchvision": r".*attn\.(q|k|v|qkv|scores|probabilities|proj)|patch_embed",
    "DeiT": r".*attn\.(v|scores|probabilities)",
    "UPerNet": r".*attn\.(windows|scores.*|probabilities|reversed|rolled_back)|backbone\.patch_embed",
}


@pytest.fixture(params=MODELS)
def twins(request):
    """(its name, our model, images, the library's model in float32)."""
    config, build = MODELS[request.param]
    model, images = drawn(config)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return request.param, model, images, build(model).float().eval()


def test_what_every_module_of_a_library_gives_agrees_under_its_own_name(twins):
    name, model, images, theirs = twins
    reference = Reference.of(model, images)
    report = crosscheck(reference, Candidate(record(theirs, images)))
    assert (report.verdict, report.findings) == ("agree", [])
    library = name.rpartition(" ")[2]
    assert report.dialect.partition("-")[0] == ("res2net" if "Res2Net" in name else library)
    missing = reference.points.keys() - {point.name for point in report.points} - {"input"}
    allowed = NO_MODULE.get(name, NO_MODULE.get(name.partition(" of ")[0], r"(?!)"))
    assert [point for point in missing if not re.fullmatch(allowed, point)] == []


@pytest.mark.parametrize(("name", "theirs", "module"), [
    ("ResNet of torchvision", "layer2.0.bn1", "layer2.0.bn1"),
    ("ViT of transformers", "vit.layers.1.layernorm_after", "blocks.1.norm2"),
    ("UPerNet of transformers", "decode_head.bottleneck.batch_norm", "decode_head.bottleneck.batch_norm"),
    ("Swin V2 of timm", "layers.1.blocks.0.norm1", "layers.1.blocks.0.norm1")])
def test_an_eps_that_is_changed_in_a_library_is_found_in_its_module(name, theirs, module):
    config, build = MODELS[name]
    model, images = drawn(config)
    twin = build(model).float().eval()
    dict(twin.named_modules())[theirs].eps = 1e-2
    finding, = crosscheck(Reference.of(model, images), Candidate(record(twin, images))).findings
    assert (finding.module, finding.mistake) == (module, "eps of one norm")
    assert "is 0.01" in finding.sentence


@pytest.fixture
def registered(monkeypatch, tmp_path):
    """Lets a library build, under the name "small", the model of a row of MODELS."""
    def of(name):
        config, build = MODELS[name]
        model, images = drawn(config)
        library = name.rpartition(" ")[2]
        if library == "transformers":
            twin = build(model)
            twin.config.architectures = [type(twin).__name__]
            twin.config.save_pretrained(tmp_path / "small")
            return model, images, f"transformers:{tmp_path / 'small'}"

        def blank(*arguments, **options):
            twin = build(model)
            with torch.no_grad():
                for parameter in twin.parameters():
                    parameter.copy_(torch.zeros_like(parameter))
            return twin

        monkeypatch.setattr(timm, "list_models", lambda: ["small"])
        monkeypatch.setattr(timm, "create_model", blank)
        monkeypatch.setattr(torchvision.models, "list_models", lambda: ["small"])
        monkeypatch.setattr(torchvision.models, "get_model", blank)
        return model, images, f"{library}:small"
    return of


@pytest.mark.parametrize("name", [name for name in MODELS if name != "UPerNet of transformers"])
def test_a_model_by_its_name_gets_the_weights_of_the_reference_and_agrees(name, registered):
    model, images, text = registered(name)
    model = model.astype(np.float64)                   # of which the library's was made for another test
    reference = Reference.of(model, images)
    report = crosscheck(reference, live.live_candidate(text, reference))
    assert (report.verdict, report.findings) == ("agree", [])
    assert "output" in [point.name for point in report.points]


@pytest.mark.parametrize(("name", "text"), [
    ("ResNet, basic", "torchvision:resnet18"), ("ResNet", "timm:resnet50"), ("ViT", "timm:vit_tiny_patch16_224"),
    ("Res2Net", "timm:res2net50_26w_4s"), ("ResNet", "timm:resnet51")])
def test_a_registered_model_of_other_sizes_is_refused_in_a_sentence(name, text):
    with pytest.raises(InputError, match=r"do not fit|has no model|no model of") as error:
        live.live_candidate(text, Reference.of(*drawn(CONFIGS[name])))
    assert "\n" not in str(error.value)


def test_a_library_without_such_a_model_is_said():
    with pytest.raises(InputError, match="no names of timm are known for a U-Net"):
        live.weights("timm", None, Reference.of(*drawn(CONFIGS["U-Net"])))


@pytest.mark.parametrize("name", ["Swin V2", "ViT", "ResNet", "Res2Net", "UPerNet", "U-Net", "FPN", "backbone"])
def test_the_commands_take_a_checkpoint_of_every_system(name, tmp_path, capsys):
    config = CONFIGS[name]
    model, images = drawn(config)
    write_npz(tmp_path / "model.npz", model.state_dict() | model.derived_buffers(), {})
    np.save(tmp_path / "images.npy", images)
    given = {"Swin V2": ["--image-size", "32", "48", "--window-size", "4", "--pretrained-window-sizes", "0"],
             "ViT": ["--image-size", "16", "24", "--num-heads", "3"]}.get(name, [])
    given = given or (["--image-size", "32", "48"] if isinstance(getattr(config, "backbone", None), type(SWIN)) else [])
    paths = {key: str(tmp_path / key) for key in ("model.npz", "images.npy", "ref.npz", "port.npz")}
    assert main(["dump", paths["model.npz"], paths["images.npy"], "-o", paths["ref.npz"], *given]) == 0
    with np.load(paths["ref.npz"]) as stored:
        architecture = json.loads(json.loads(str(stored["meta"]))["config"])["architecture"]
    assert architecture.startswith({"Swin V2": "Swin Transformer V2"}.get(name, name))
    from swin_np import trace

    with trace(model) as points:
        model(images)
    points.save(paths["port.npz"])
    assert main(["crosscheck", paths["ref.npz"], paths["port.npz"]]) == 0
    assert main(["crosscheck", paths["model.npz"], paths["port.npz"], "--image", paths["images.npy"], *given]) == 0
    capsys.readouterr()
    first = next(point for point in points if point.endswith(("norm2", "bn1")))
    np.savez(paths["port.npz"], **points | {first: points[first] * np.float32(1.01)})
    assert main(["crosscheck", paths["ref.npz"], paths["port.npz"], "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["first"] == first


@pytest.mark.skipif(not (find_spec("onnx") and find_spec("onnxruntime")), reason="onnx or onnxruntime is missing")
@pytest.mark.parametrize("name", ["ResNet of torchvision", "ViT of timm", "Swin V2 of timm", "Res2Net of timm"])
def test_an_onnx_file_of_every_system_is_run_and_agrees(name, tmp_path):
    from swin_np.crosscheck import onnx_models

    config, build = MODELS[name]
    model, images = drawn(config)
    twin = build(model).float().eval()
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(twin, (torch.from_numpy(images),), str(tmp_path / "port.onnx"), dynamo=False,
                          opset_version=18)
    reference = Reference.of(model, images)
    report = crosscheck(reference, onnx_models.record(tmp_path / "port.onnx", images))
    assert (report.verdict, report.findings) == ("agree", [])
    shown = {output for unit in units(model) for output in unit.outputs} & reference.points.keys()
    assert {point for point in shown if not re.fullmatch(r"layers\.\d", point)} <= {
        point.name for point in report.points}
