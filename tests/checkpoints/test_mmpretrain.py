"""Classifiers of mmpretrain, `backbone.*` with `head.fc.*`: the head is kept, and what is left out is said."""

import warnings

import numpy as np
import pytest

import swin_np
from swin_np.baselines.resnet import ResNetConfig
from swin_np.checkpoints.files import read
from swin_np.checkpoints.loading import identify
from swin_np.commands.cli import main
from swin_np.errors import ShapeError, SwinWarning
from swin_np.layers import redraw
from swin_np.model import SwinTransformer
from swin_np.shape_policy import MICROSOFT
from swin_np.systems.registry import architecture_of
from swin_np.variants import SwinConfig
from tests.matching import MODEL_TOLERANCE, assert_matches

CONFIG = SwinConfig(56, 1, 3, 5, 8, (2, 2, 2, 2), (1, 2, 4, 4), 7, shape_policy=MICROSOFT)
"""As Swin-T at 224x224: the maps are 56, 28, 14 and 7 a side, the last one window."""


def as_mmpretrain_has_it(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The official code's names and order of merging in mmpretrain's, spelt out here once more."""
    result = {}
    last = max(int(name.split(".")[1]) for name in state if name.startswith("layers."))
    for name, value in state.items():
        if name.endswith("attn_mask"):
            continue
        if ".downsample." in name:                     # Unfold: channel by channel, the rows of a 2x2 square together
            quarters = np.split(value, 4, axis=-1)     # (row, column) of the four: (0,0), (1,0), (0,1), (1,1)
            value = np.stack([quarters[i] for i in (0, 2, 1, 3)], axis=-1).reshape(value.shape)
        name = name.replace("layers.", "stages.").replace("attn.", "attn.w_msa.")
        name = name.replace("mlp.fc1", "ffn.layers.0.0").replace("mlp.fc2", "ffn.layers.1")
        name = name.replace("patch_embed.proj", "patch_embed.projection")
        name = f"norm{last}.{name.removeprefix('norm.')}" if name.startswith("norm.") else name
        result[f"head.fc.{name.removeprefix('head.')}" if name.startswith("head.") else f"backbone.{name}"] = value
    return result


def save(state: dict[str, np.ndarray], path):
    torch = pytest.importorskip("torch")
    torch.save({"meta": {"epoch": 300}, "state_dict": {name: torch.from_numpy(np.array(value))
                                                       for name, value in state.items()}}, path)
    return path


def official() -> SwinTransformer:
    """The official model, large weights; tests/test_golden.py compares it with the official code."""
    model = SwinTransformer.random(CONFIG)
    redraw(model, 1)
    return model


def test_a_classifier_gives_the_official_models_logits(tmp_path, rng):
    state = official().state_dict() | {name: value for name, value in official().derived_buffers().items()
                                       if name.endswith("index")}
    path, images = save(as_mmpretrain_has_it(state), tmp_path / "swin.pth"), rng.standard_normal((2, 3, 56, 56))
    with warnings.catch_warnings():
        warnings.simplefilter("error", SwinWarning)
        model = swin_np.load(path, dtype=np.float64)
    assert identify(read(path)).dialect.name == "mmpretrain"
    assert_matches(model(images), official().astype(np.float64)(images), MODEL_TOLERANCE)
    with pytest.raises(ShapeError):                    # where mmpretrain's own assertion fails
        model(images[:, :, :40])


@pytest.mark.parametrize("config", [ResNetConfig("basic", (1, 1, 1, 2), inplanes=8, num_classes=5),
                                    ResNetConfig("bottleneck", (2, 1, 1, 1), inplanes=8, num_classes=5)], ids=str)
def test_a_resnet_of_mmpretrain_keeps_its_head(config, tmp_path, rng):
    model = architecture_of(config).model.random(config)
    redraw(model, 1)
    state = {name.replace("fc.", "head.fc.") if name.startswith("fc.") else f"backbone.{name}": value
             for name, value in model.state_dict().items()}
    images = rng.standard_normal((2, 3, 40, 56)).astype(np.float32)
    with pytest.warns(SwinWarning, match="ResNet of torchvision and timm was assumed") as caught:
        loaded = swin_np.load(save(state, tmp_path / "resnet.pth"))
    assert len(caught) == 1
    assert np.array_equal(loaded(images), model(images))


@pytest.mark.parametrize("others", [("head.layers.head.weight",), ("neck.lateral.weight", "head.fc.weight"),
                                    ("rpn_head.conv.weight",)])
def test_a_head_that_cannot_be_used_is_named_in_a_warning(others, tmp_path):
    state = as_mmpretrain_has_it(official().state_dict())
    state = {name: value for name, value in state.items() if not name.startswith("head.")}
    state |= {name: np.ones((3, 4), np.float32) for name in others}
    with pytest.warns(SwinWarning, match=f"Left aside '{others[0].partition('.')[0]}'.*, not in the backbone"):
        assert swin_np.load(save(state, tmp_path / "model.pth")).config.num_classes == 0


def test_names_of_another_kind_before_head_fc_are_no_mmpretrain(tmp_path):
    """Whether a head of somebody's own follows timm's backbone as timm's own would is not told."""
    state = {f"backbone.{name}": value for name, value in official().state_dict().items()
             if not name.startswith("head.")}
    state |= {"head.fc.weight": np.ones((3, state["backbone.norm.weight"].size), np.float32)}
    with pytest.warns(SwinWarning, match="Left aside 'head', not in the backbone"):
        swin_np.load(save(state, tmp_path / "model.pth"))


def test_a_classifier_is_converted_and_classifies(tmp_path, capsys):
    path = save(as_mmpretrain_has_it(official().state_dict()), tmp_path / "swin.pth")
    assert main(["convert", str(path), str(tmp_path / "timm.npz"), "--to", "timm"]) == 0
    images = np.ones((1, 3, 56, 56), np.float32)
    assert np.array_equal(swin_np.load(path)(images), swin_np.load(tmp_path / "timm.npz")(images))
    assert main(["convert", str(tmp_path / "timm.npz"), str(tmp_path / "back.npz"), "--to", "mmpretrain"]) == 0
    assert swin_np.load(tmp_path / "back.npz").config == swin_np.load(path).config
