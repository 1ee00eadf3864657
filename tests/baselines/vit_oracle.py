"""The oracle of ViT and DeiT: the model with the same weights in Hugging Face transformers on PyTorch."""

import numpy as np

from swin_np.baselines.vit import VisionTransformer, ViTConfig
from swin_np.layers import redraw


def redrawn(config: ViTConfig, seed: int = 3) -> VisionTransformer:
    """Our model in float32, its weights drawn large."""
    model = VisionTransformer.random(config)
    redraw(model, seed)
    return model


def their_outputs(twin, images: np.ndarray) -> dict[str, np.ndarray]:
    """Logits (B, classes), all tokens after the last norm, and after every block, (B, n, D)."""
    import torch
    with torch.inference_mode():
        images = torch.from_numpy(images).to(twin.dtype)
        found = twin.base_model(images, output_hidden_states=True)
        outputs = {"logits": twin(images).logits, "norm": found.last_hidden_state}
        outputs |= {f"blocks.{i}": x for i, x in enumerate(found.hidden_states[1:])}
    return {name: value.numpy() for name, value in outputs.items()}


def our_outputs(model: VisionTransformer, images: np.ndarray) -> dict[str, np.ndarray]:
    """The same of our model, step by step."""
    images = images.astype(model.dtype)
    outputs, x = {"logits": model(images)}, model.embed(images)
    for i, block in enumerate(model.blocks):
        outputs[f"blocks.{i}"] = x = block(x)
    return outputs | {"norm": model.norm(x)}
