"""Every model that timm and torchvision register by name: names and shapes of the state, parameters, logits, maps."""

import re
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import pytest

from oracle.registered_models import REGISTERED, TIMM_MODELS
from swin_np.baselines.resnet import ResNetConfig
from swin_np.baselines.swin_v2 import SwinV2Config
from swin_np.baselines.vit import ViTConfig
from swin_np.checkpoints.dialects.dialect import COUNTERS
from swin_np.checkpoints.files import StoredCheckpoint, entries_of
from swin_np.checkpoints.loading import identify, load
from swin_np.errors import CheckpointError
from swin_np.layers import LayerNorm, Module
from swin_np.systems.registry import Config, architecture_of
from swin_np.variants import SwinConfig
from tests.oracles.comparing import assert_equals_its_twin, twins

timm = pytest.importorskip("timm")
torch = pytest.importorskip("torch")
torchvision = pytest.importorskip("torchvision")

PLAIN = {
    "timm": r"swin(v2)?_.*|vit_(tiny|small|base|large)_patch\d+_\d+|deit_.*|(wide_)?resnet\d+(_2)?|resnext.*|res2ne.*",
    "torchvision": r"swin_.*|vit_.*|(wide_)?resnet.*|resnext.*",
}
"""What the names of the systems that this package has look like."""

LEFT_OUT = {
    r"swinv2_cr_.*": "a network of their own: a bias by two layers of another kind, other norms",
    r"resnext26ts|resnext50d_32x4d|resnet51q|resnet61q": "another stem",
}

NAMES = [(library, name) for library, models in REGISTERED.items() for name in models]
SHORT = {
    ("timm", "swin_tiny_patch4_window7_224"), ("timm", "swin_s3_tiny_224"), ("torchvision", "swin_t"),
    ("timm", "swinv2_tiny_window8_256"),
    ("timm", "swinv2_tiny_window16_256"), ("torchvision", "swin_v2_t"), ("timm", "vit_small_patch32_224"),
    ("timm", "deit_tiny_distilled_patch16_224"), ("timm", "resnet50"), ("torchvision", "resnet18"),
    ("torchvision", "resnext50_32x4d"), ("timm", "res2net50_26w_4s"),
    ("timm", "res2net50d"), ("timm", "res2next50"),
}
"""What is compared in every run; all others in the long one."""

TOO_LARGE = {("torchvision", "vit_h_14"), ("timm", "resnext101_32x32d")}
"""Over 450 million parameters: only the state is compared."""

PUBLISHED = [
    ("timm", "swin_base_patch4_window7_224"), ("timm", "swin_s3_tiny_224"), ("torchvision", "swin_s"),
    ("timm", "swinv2_base_window12to16_192to256"),
    ("torchvision", "swin_v2_t"), ("timm", "vit_base_patch16_224"), ("timm", "deit_base_distilled_patch16_384"),
    ("torchvision", "vit_b_16"), ("timm", "resnet152"), ("torchvision", "resnext101_64x4d"),
    ("timm", "res2net50_14w_8s"), ("timm", "res2net101d"),
]


def small(library: str, config: Config) -> tuple[Config, tuple[int, int], dict[str, object]]:
    """(our configuration, image size, what the library has to be told) for images that take little time.

    Under a Swin there are maps that are no multiple of the window, odd, and smaller than the window. torchvision's ViT
    has square images.
    """
    if isinstance(config, ResNetConfig):
        return config, (65, 97), {}
    if isinstance(config, ViTConfig):
        size = tuple(side * config.patch_size[0] for side in (4, 6 if library == "timm" else 4))
        told = {"img_size": size} if library == "timm" else {"image_size": size[0]}
    else:
        window = config.window(0)[0]
        size = tuple(side * window for side in ((8, 12) if window % 2 else (6, 8)))
        told = {"img_size": size} if library == "timm" else {}
    return replace(config, img_size=size), size, told


def marked(names: list[tuple[str, str]]) -> list:
    return [pytest.param(*name, marks=() if name in SHORT else pytest.mark.long) for name in names]


@cache
def shapes_only(library: str, name: str):
    """The library's model without any weights."""
    with torch.device("meta"):
        return twins.builder(library, name)()


def test_every_registered_name_is_compared_or_left_out_for_a_reason():
    registered = {"timm": timm.list_models(), "torchvision": torchvision.models.list_models()}
    for library, names in registered.items():
        plain = {name for name in names if re.fullmatch(PLAIN[library], name)}
        left_out = {name for name in plain if any(re.fullmatch(pattern, name) for pattern in LEFT_OUT)}
        assert plain - left_out == REGISTERED[library].keys()


@pytest.mark.parametrize(("library", "name"), marked(NAMES))
def test_the_state_has_their_names_and_shapes_and_as_many_parameters(library, name):
    config = REGISTERED[library][name]
    ours = architecture_of(config).model.random(config, seed=None)
    theirs = shapes_only(library, name)
    shapes = {key: tuple(value.shape) for key, value in theirs.state_dict().items() if not key.endswith(COUNTERS)}
    assert {key: value.shape for key, value in twins.converted(ours, library).items()} == shapes

    fused = [value.numel() // 3 for key, value in theirs.named_parameters() if key.endswith("qkv.bias")]
    unused = sum(fused) if name.startswith("swin_v2") else 0        # torchvision's biases of the keys, always zero
    assert sum(value.numel() for value in theirs.parameters()) == ours.parameter_count() + unused


@pytest.mark.parametrize(("library", "name"), marked(NAMES))
def test_norms_have_their_eps(library, name):
    config = REGISTERED[library][name]
    ours = architecture_of(config).model.random(config, seed=None)
    assert ({module.eps for _, module in ours.named_modules() if isinstance(module, LayerNorm)}
            == {module.eps for module in shapes_only(library, name).modules()
                if isinstance(module, torch.nn.LayerNorm)})


@pytest.mark.long
@pytest.mark.parametrize(("library", "name"), sorted(SHORT))
def test_a_file_that_the_library_saves_is_read_as_our_model(library, name, tmp_path):
    config = REGISTERED[library][name]
    model = twins.redrawn(config)
    torch.save(twins.twin(model, library, twins.builder(library, name)).state_dict(), tmp_path / "model.pth")
    untold = library == "timm" and isinstance(config, SwinV2Config)     # the windows, by the file
    read = load(tmp_path / "model.pth", dtype=np.float64, **({"config": config} if untold else {}))
    assert read.config == config
    state = model.state_dict()
    assert read.state_dict().keys() == state.keys()
    assert all(np.array_equal(value, state[key]) for key, value in read.state_dict().items())


SWINS = sorted(name for name in timm.list_models() if name.startswith("swin"))
OF_ANOTHER_KIND = [name for name in SWINS if name.startswith("swinv2_cr")]


def stored_by_timm(name: str, configuration: bool, folder: Path) -> StoredCheckpoint:
    """A file of a registered model, all zeros, and config.json as timm writes it."""
    from timm.models._hub import save_config_for_hf

    theirs = shapes_only("timm", name)
    tensors = {key: np.zeros(tuple(value.shape), np.float32) for key, value in theirs.state_dict().items()}
    save_config_for_hf(theirs, folder / "config.json")
    return StoredCheckpoint("safetensors", tensors, [], {}, name="model.safetensors",
                            configuration=entries_of(folder / "config.json") if configuration else None)


@pytest.mark.parametrize("name", SWINS)
def test_every_swin_of_timm_is_read_with_its_config_json_or_refused_by_its_name(name, tmp_path):
    stored = stored_by_timm(name, True, tmp_path)
    if name in OF_ANOTHER_KIND:
        with pytest.raises(CheckpointError, match="it seems to be timm's swinv2_cr, which is another network"):
            identify(stored)
        return
    found, config = identify(stored), TIMM_MODELS[name]
    classes = found.config.num_classes                 # 1000, or those of the first weights that timm lists
    assert (windows(found.config), found.assumed) == (windows(config), [])
    assert found.config == replace(config, num_classes=classes)


@pytest.mark.parametrize("name", SWINS)
def test_every_swin_of_timm_is_read_without_a_config_json_or_its_question_asked(name, tmp_path):
    stored, config = stored_by_timm(name, False, tmp_path), TIMM_MODELS.get(name)
    if name in OF_ANOTHER_KIND:
        with pytest.raises(CheckpointError, match="it seems to be timm's swinv2_cr, which is another network"):
            identify(stored)
    elif name.startswith("swinv2"):
        with pytest.raises(CheckpointError, match="give window_size, image_size and pretrained_window_sizes"):
            identify(stored)
        found = identify(stored, window_size=config.window_size, image_size=config.img_size,
                         pretrained_window_sizes=config.pretrained_window_sizes or 0)
        assert windows(found.config) == windows(config)
    else:
        found = identify(stored)
        assert windows(found.config) == windows(config) and found.config.img_size == config.img_size


def windows(config: SwinConfig) -> list[tuple]:
    """In force in each stage, and what scales a V2's coordinates there."""
    in_force = [config.shape_policy.window_and_shift(size, (m, n), (m // 2, n // 2))
                for size, (m, n) in zip(config.map_sizes(), map(config.window, range(4)), strict=True)]
    trained = [config.pretrained_window(stage, window) if isinstance(config, SwinV2Config) else None
               for stage, (window, _) in enumerate(in_force)]
    return list(zip(in_force, trained, strict=True))


@lru_cache(1)
def redrawn(config: Config) -> Module:
    """Our model; the next name may be of the same configuration."""
    return twins.redrawn(config)


@pytest.mark.parametrize(("library", "name"), marked(sorted(
    set(NAMES) - TOO_LARGE, key=lambda name: (repr(small(name[0], REGISTERED[name[0]][name[1]])[0]), name))))
def test_logits_and_maps_are_theirs(library, name):
    config, size, told = small(library, REGISTERED[library][name])
    model = redrawn(config)
    assert_equals_its_twin(model, library, twins.twin(model, library, twins.builder(library, name, **told)), size)


@pytest.mark.long
@pytest.mark.parametrize(("library", "name"), PUBLISHED)
def test_logits_and_maps_are_theirs_at_the_published_size(library, name):
    config = REGISTERED[library][name]
    model = twins.redrawn(config)
    size = config.img_size if isinstance(config, SwinConfig | ViTConfig) else (224, 224)
    assert_equals_its_twin(model, library, twins.twin(model, library, twins.builder(library, name)), size)
