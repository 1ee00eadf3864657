"""What is timed: each contender saves a model to a file, and loads it from there in this process or in a fresh one.

"PyTorch eager" is transformers' SwinForImageClassification with attention written out in tensor operations; "PyTorch
SDPA" is the same model with PyTorch's fused attention. torchvision's model writes it out too, timm's takes the fused
one. These four are the eager peers: PyTorch computes layer by layer, and compiles nothing. For the systems beside Swin
see twins.py. All have the same weights and get the same images.
The masked scores lead to denormal numbers in their softmax, which cost time; swin_np keeps clear of those (see
functional.softmax).
"""

import pickle
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from benchmarks.matrix_products import compute, matrix_products
from oracle.twins import torch_twin
from swin_np.functional import Array
from swin_np.layers import Module
from swin_np.parallel.blas import SINGLE_THREADED_BLAS
from swin_np.parallel.pool import threads

OURS, EAGER, SDPA, ONNX, PRODUCTS = "swin_np", "PyTorch eager", "PyTorch SDPA", "ONNX Runtime", "matrix products"
TORCHVISION, TIMM = "torchvision", "timm"
PEERS = (EAGER, SDPA, TORCHVISION, TIMM)

Run = Callable[[], Array | None]
"""One forward pass: the logits (B, num_classes); None of the matrix products, which compute no function."""


@dataclass(frozen=True)
class Contender:
    """save(model, images, path) writes a file; load(path, images, count) gives what runs it with `count` threads."""

    save: Callable[[Module, Array, Path], None]
    load: Callable[[Path, Array, int], Run]


def draw_images(batch: int, size: int) -> Array:
    """Images (B, 3, size, size), standard normal, the same ones every time."""
    return np.random.default_rng(0).standard_normal((batch, 3, size, size), np.float32)


def save_ours(model: Module, images: Array, path: Path) -> None:
    """Our model, for any images."""
    path.write_bytes(pickle.dumps(model))


def load_ours(path: Path, images: Array, count: int) -> Run:
    """Our model."""
    model = pickle.loads(path.read_bytes())

    def run() -> Array:
        with threads(count):
            return model(images)

    return run


def load_products(path: Path, images: Array, count: int) -> Run:
    """The matrix products of our model, by a BLAS with `count` threads; our model sets its own number."""
    products = matrix_products(pickle.loads(path.read_bytes()), images)
    SINGLE_THREADED_BLAS.set(count)
    return lambda: compute(products)


def save_twin(attention: str) -> Callable[[Module, Array, Path], None]:
    """The PyTorch model with one kind of attention, as a function that saves it."""

    def save(model: Module, images: Array, path: Path) -> None:
        import torch

        torch.save(torch_twin(model, attention), path)

    return save


def save_vision_twin(library: str) -> Callable[[Module, Array, Path], None]:
    """The Swin of torchvision or timm, as a function that saves it for images of one size."""

    def save(model: Module, images: Array, path: Path) -> None:
        import torch

        from oracle.vision_twins import timm_swin, torchvision_swin, twin

        size = images.shape[2:]
        build = timm_swin(model.config, img_size=size) if library == TIMM else torchvision_swin(model.config)
        torch.save(twin(model, library, build), path)

    return save


def load_twin(path: Path, images: Array, count: int) -> Run:
    """A PyTorch model."""
    import torch

    twin, tensor = torch.load(path, weights_only=False), torch.from_numpy(images)
    torch.set_num_threads(count)

    def run() -> Array:
        with torch.inference_mode():
            found = twin(tensor)
            return getattr(found, "logits", found).numpy()

    return run


def save_onnx(model: Module, images: Array, path: Path) -> None:
    """The PyTorch model as ONNX, for images of this shape only."""
    import torch

    twin = torch_twin(model, "eager")
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")                # sizes become constants, as they should here
        torch.onnx.export(twin, (torch.from_numpy(images),), str(path), opset_version=17, dynamo=False)


def load_onnx(path: Path, images: Array, count: int) -> Run:
    """An ONNX Runtime session, whose idle threads sleep so that they take no time from the others."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = count
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: images}
    return lambda: session.run(None, feed)[0]


BESIDE = (EAGER, OURS)                                 # who runs the systems beside Swin

CONTENDERS = {
    EAGER: Contender(save_twin("eager"), load_twin),
    SDPA: Contender(save_twin("sdpa"), load_twin),
    TORCHVISION: Contender(save_vision_twin(TORCHVISION), load_twin),
    TIMM: Contender(save_vision_twin(TIMM), load_twin),
    ONNX: Contender(save_onnx, load_onnx),
    PRODUCTS: Contender(save_ours, load_products),
    OURS: Contender(save_ours, load_ours),
}


def left_out() -> dict[str, str]:
    """The contenders that this installation cannot run, with the reason."""
    reasons = {name: "not installed" for name in (TORCHVISION, TIMM) if not find_spec(name)}
    missing = [package for package in ("onnx", "onnxruntime") if not find_spec(package)]
    if missing:
        reasons[ONNX] = f"{' and '.join(missing)} not installed"
    if not SINGLE_THREADED_BLAS.steered:
        reasons[PRODUCTS] = "NumPy has a BLAS that threadpoolctl does not know, whose threads cannot be set here"
    return reasons
