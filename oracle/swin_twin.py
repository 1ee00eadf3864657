"""The oracle: a model with the same weights in Hugging Face transformers on PyTorch, and what it computes.

It is for models with one window side, patch norm and the default scale; transformers has no others.
"""

from dataclasses import replace

import torch
import transformers

from swin_np import TRANSFORMERS, VARIANTS, SwinConfig, SwinTransformer
from swin_np.checkpoints.dialects.swin import DIALECTS
from swin_np.checkpoints.dialects.translation import from_official
from swin_np.functional import Array
from swin_np.layers import redraw

Outputs = dict[str, Array]
"""What is compared: `logits` (B, num_classes), `features` (B, 8C), and for each stage `feature_maps.i` before and
`stage_outputs.i` after patch merging, (B, h, w, C)."""


def outputs(logits: Array, features: Array, feature_maps: list[Array], stage_outputs: list[Array]) -> Outputs:
    """The arrays by their names."""
    return {"logits": logits, "features": features,
            **{f"feature_maps.{i}": x for i, x in enumerate(feature_maps)},
            **{f"stage_outputs.{i}": x for i, x in enumerate(stage_outputs)}}


def redrawn_model(config: SwinConfig, seed: int) -> SwinTransformer:
    """Our model in float32, its weights drawn large (`redraw`), so that every mistake shows."""
    model = SwinTransformer.random(config, seed)
    redraw(model, seed)
    return model


def redrawn_variant(variant: str, seed: int) -> SwinTransformer:
    """One of the paper's models, with the shape policy of transformers and weights drawn large."""
    return redrawn_model(replace(VARIANTS[variant], shape_policy=TRANSFORMERS), seed)


def our_outputs(model: SwinTransformer, images: Array) -> Outputs:
    """Our side of the comparison, for images (B, 3, H, W) of the model's dtype."""
    maps = model.feature_maps(images)
    merged = [x if layer.downsample is None else layer.downsample(x)
              for layer, x in zip(model.layers, maps, strict=True)]
    return outputs(model.classify(maps[-1]), model.pool(maps[-1]), maps, merged)


def torch_twin(model: SwinTransformer, dtype: torch.dtype,
               attention: str = "sdpa") -> transformers.SwinForImageClassification:
    """The transformers model with the weights of `model`, loaded strictly, in `dtype` and in evaluation mode.

    Its attention is PyTorch's own ("sdpa"), the default of transformers; the other choice, "eager", computes every
    softmax in float32, whatever the dtype of the model. A twin remembers a window that it clamped on a small map: make
    a new one for every image size.
    """
    config = model.config
    twin = transformers.SwinForImageClassification(transformers.SwinConfig(
        image_size=config.img_size, patch_size=config.patch_size, num_channels=config.in_chans,
        num_labels=config.num_classes, embed_dim=config.embed_dim, depths=config.depths, num_heads=config.num_heads,
        window_size=config.window(0)[0], mlp_ratio=config.mlp_ratio, qkv_bias=config.qkv_bias,
        use_absolute_embeddings=config.ape, hidden_act="gelu", layer_norm_eps=1e-5, attn_implementation=attention))
    state = from_official(model.state_dict(), DIALECTS["transformers"])
    twin.to(dtype).load_state_dict({name: torch.from_numpy(value.copy()) for name, value in state.items()}, strict=True)
    return twin.eval()


def their_outputs(twin: transformers.SwinForImageClassification, images: Array) -> Outputs:
    """The same of the transformers model, in its dtype, for images (B, 3, H, W)."""
    with torch.inference_mode():
        found = twin.swin(torch.from_numpy(images).to(twin.dtype), output_hidden_states=True,
                          output_hidden_states_before_downsampling=True)
        logits = twin.classifier(found.pooler_output)
    maps = [x.permute(0, 2, 3, 1).numpy() for x in found.reshaped_hidden_states[1:]]   # [0] is the embedding
    merged = [x.numpy() for x in found.hidden_states[1:]]                              # (B, h w, C)
    sizes = [((x.shape[1] + 1) // 2, (x.shape[2] + 1) // 2) for x in maps[:-1]] + [maps[-1].shape[1:3]]
    merged = [x.reshape(len(x), *size, -1) for x, size in zip(merged, sizes, strict=True)]
    return outputs(logits.numpy(), found.pooler_output.numpy(), maps, merged)
