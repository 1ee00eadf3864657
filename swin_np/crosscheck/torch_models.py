"""A live torch model as a candidate: the output of every module, by forward hooks. torch is imported only here."""

from typing import TYPE_CHECKING

import numpy as np

from swin_np.functional import Array

if TYPE_CHECKING:
    import torch


def record(model: "torch.nn.Module", images: Array) -> dict[str, Array]:
    """Run `model` on images (B, 3, H, W) and give every module's output under the module's own name, and `output`.

    The images are cast to the dtype of the model and moved to its device; the model's mode (training or not) is left as
    it is, so call `model.eval()` before. Of an output with several tensors the first is kept, of a module that runs
    more than once the last. The names of transformers, timm, torchvision and the official code are known to
    `crosscheck`.

    >>> crosscheck(reference, Candidate(record(model, images))).verdict
    'agree'
    """
    import torch

    arrays: dict[str, Array] = {}

    def hook(name: str):
        def keep(module: "torch.nn.Module", inputs: object, output: object) -> None:
            tensor = first_tensor(output)
            if tensor is not None:
                arrays[name or "output"] = as_array(tensor)
        return keep

    handles = [module.register_forward_hook(hook(name)) for name, module in model.named_modules()]
    try:
        parameter = next(model.parameters())
        with torch.inference_mode():
            model(torch.from_numpy(np.array(images)).to(parameter))
    finally:
        for handle in handles:
            handle.remove()
    return arrays


def first_tensor(output: object) -> "torch.Tensor | None":
    """The first floating-point tensor of a module's output: itself, or in a tuple, list or mapping."""
    import torch

    if isinstance(output, torch.Tensor):
        return output if output.is_floating_point() else None
    values = output.values() if hasattr(output, "values") else output if isinstance(output, tuple | list) else ()
    return next((found for value in values if (found := first_tensor(value)) is not None), None)


def as_array(tensor: "torch.Tensor") -> Array:
    """The tensor's values as NumPy has them, bfloat16 as float32."""
    import torch

    tensor = tensor.detach().cpu()
    return np.array((tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy())
