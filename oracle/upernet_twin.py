"""transformers' UPerNet on its Swin backbone with the weights of ours, without the auxiliary head of training."""

import numpy as np
import torch
import transformers

from swin_np.checkpoints.dialects.swin import DIALECTS
from swin_np.checkpoints.dialects.translation import from_official
from swin_np.dense.segmentation import UPerNet
from swin_np.layers import Module

UNUSED = ("num_batches_tracked", "backbone.swin.layernorm.weight", "backbone.swin.layernorm.bias")


def upernet_twin(model: UPerNet) -> transformers.UperNetForSemanticSegmentation:
    """The model in float64 and in evaluation mode; its names but for UNUSED are all of ours."""
    config = model.backbone.config
    swin = transformers.SwinConfig(
        image_size=config.img_size, patch_size=config.patch_size, embed_dim=config.embed_dim, depths=config.depths,
        num_heads=config.num_heads, window_size=config.window_size[0], layer_norm_eps=1e-5,
        out_features=["stage1", "stage2", "stage3", "stage4"], attn_implementation="sdpa")
    twin = transformers.UperNetForSemanticSegmentation(transformers.UperNetConfig(
        backbone_config=swin, hidden_size=model.config.channels, num_labels=model.config.num_classes,
        use_auxiliary_head=False)).eval()
    tensors = {name: torch.from_numpy(np.array(value)) for name, value in state_of(model).items()}
    missing, unexpected = twin.double().load_state_dict(tensors, strict=False)
    assert not unexpected and all(name.endswith(UNUSED) for name in missing)
    return twin


def state_of(model: Module) -> dict[str, np.ndarray]:
    """The parameters of ours under the names of transformers."""
    state = {f"backbone.{name}": value
             for name, value in from_official(model.backbone.state_dict(), DIALECTS["transformers"]).items()}
    for name, value in model.state_dict().items():
        if name.startswith("norms."):
            _, stage, kind = name.split(".")
            state[f"backbone.hidden_states_norms.stage{int(stage) + 1}.{kind}"] = value
        elif name.startswith("decode_head."):
            state[name] = value
    return state
