"""Small Swins of timm, torchvision and transformers with large random weights, and their ONNX files."""

import contextlib
import io
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from oracle import libraries  # noqa: F401 - before torchvision
from swin_np.checkpoints.loading import load
from swin_np.crosscheck.reference import Reference
from swin_np.functional import Array

torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
timm, torchvision = pytest.importorskip("timm"), pytest.importorskip("torchvision")

SIZE, CLASSES = (64, 96), 7                            # maps of 16x24 and 8x12, both larger than a window
SETTINGS = {"embed_dim": 8, "depths": [2, 2], "num_heads": [1, 2], "mlp_ratio": 2.0}


def timm_swin() -> torch.nn.Module:
    return timm.models.swin_transformer.SwinTransformer(SIZE, window_size=4, num_classes=CLASSES, **SETTINGS)


def torchvision_swin() -> torch.nn.Module:
    return torchvision.models.SwinTransformer([4, 4], window_size=[4, 4], num_classes=CLASSES, **SETTINGS)


def transformers_swin() -> torch.nn.Module:
    return transformers.SwinForImageClassification(transformers.SwinConfig(
        image_size=SIZE, window_size=4, num_labels=CLASSES, attn_implementation="eager", **SETTINGS))


LIBRARIES = {"timm": timm_swin, "torchvision": torchvision_swin, "transformers": transformers_swin}


@cache
def model_of(library: str) -> torch.nn.Module:
    """In evaluation mode, every parameter drawn large."""
    model, generator = LIBRARIES[library](), torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            scale = 0.5 if parameter.ndim < 2 else 1 if "table" in name else 1.5 * parameter[0].numel() ** -0.5
            parameter.copy_(scale * torch.randn(parameter.shape, generator=generator))
            if parameter.ndim < 2 and name.endswith("weight"):
                parameter.add_(1)
    return model.eval()


@cache
def some_images() -> Array:
    return np.random.default_rng(0).standard_normal((2, 3, *SIZE), np.float32)


def save(model: torch.nn.Module, path: Path) -> Path:
    torch.save(model.state_dict(), path)
    return path


def reference_of(path: Path) -> Reference:
    """Our model of a checkpoint that a library wrote, on the images."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")                # of an image size that is given
        return Reference.of(load(path, num_heads=(1, 2), image_size=SIZE), some_images())


def export(model: torch.nn.Module, path: Path, dynamo: bool, images: Array | None = None) -> Path:
    """The ONNX file of a model: traced, or by torch.export."""
    x = torch.from_numpy(some_images() if images is None else images)
    silent = contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO())
    with warnings.catch_warnings(), silent[0], silent[1]:
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (x,), str(path), dynamo=dynamo, opset_version=18)
    return path
