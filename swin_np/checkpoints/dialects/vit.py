"""ViT and DeiT in the names of timm (which are DeiT's official ones), torchvision and transformers."""

import math
import re

from swin_np.baselines.vit import VIT_VARIANTS, VisionTransformer, ViTConfig
from swin_np.checkpoints.dialects.swin import Dialect, State, best_dialect, without_set_aside
from swin_np.checkpoints.notes import Assumption
from swin_np.checkpoints.readers import Request, System, heads_of_all_layers, mlp_ratio, with_axes
from swin_np.checkpoints.resizing import resize_positions
from swin_np.errors import CheckpointError
from swin_np.functional import pair

PREFIXES = ("cls_token", "dist_token", "pos_embed", "patch_embed.proj", "blocks.{i}", "norm", "head", "head_dist")

BLOCKS_IN_MEMORY = {
    "attn.qkv": ("attention.q_proj", "attention.k_proj", "attention.v_proj"),
    "attn.proj": ("attention.o_proj",),
    "mlp": ("mlp",),
}
BLOCKS_IN_FILES = {
    "attn.qkv": ("attention.attention.query", "attention.attention.key", "attention.attention.value"),
    "attn.proj": ("attention.output.dense",),
    "mlp.fc1": ("intermediate.dense",),
    "mlp.fc2": ("output.dense",),
}


def transformers_dialect(name: str, root: str, block: str, inside: dict[str, tuple[str, ...]],
                         outside: dict[str, str]) -> Dialect:
    """A table of Hugging Face's models: ViT and DeiT differ outside the blocks, memory and disk inside them."""
    inside = {**inside, "norm1": ("layernorm_before",), "norm2": ("layernorm_after",)}
    return Dialect(name, None, (
        ("cls_token", (root + "embeddings.cls_token",)),
        ("pos_embed", (root + "embeddings.position_embeddings",)),
        ("patch_embed.proj", (root + "embeddings.patch_embeddings.projection",)),
        *((f"blocks.{{i}}.{part}", tuple(f"{root}{block}.{spelling}" for spelling in spellings))
          for part, spellings in inside.items()),
        ("norm", (root + "layernorm",)),
        *((official, (spelling,)) for official, spelling in outside.items()),
    ), set_aside=((root + "pooler", root + "embeddings.mask_token"), "classification has no use for it"), eps=1e-12)


VIT_HEAD = {"head": "classifier"}
DEIT_HEADS = {"dist_token": "deit.embeddings.distillation_token", "head": "cls_classifier",
              "head_dist": "distillation_classifier"}

VIT_DIALECTS = {dialect.name: dialect for dialect in (
    Dialect("timm", None, tuple((prefix, (prefix,)) for prefix in PREFIXES), eps=1e-6),
    Dialect("torchvision", None, (
        ("cls_token", ("class_token",)),
        ("pos_embed", ("encoder.pos_embedding",)),
        ("patch_embed.proj", ("conv_proj",)),
        ("blocks.{i}.norm1", ("encoder.layers.encoder_layer_{i}.ln_1",)),
        ("blocks.{i}.norm2", ("encoder.layers.encoder_layer_{i}.ln_2",)),
        ("blocks.{i}.attn.qkv.weight", ("encoder.layers.encoder_layer_{i}.self_attention.in_proj_weight",)),
        ("blocks.{i}.attn.qkv.bias", ("encoder.layers.encoder_layer_{i}.self_attention.in_proj_bias",)),
        ("blocks.{i}.attn.proj", ("encoder.layers.encoder_layer_{i}.self_attention.out_proj",)),
        ("blocks.{i}.mlp.fc1", ("encoder.layers.encoder_layer_{i}.mlp.0",)),
        ("blocks.{i}.mlp.fc2", ("encoder.layers.encoder_layer_{i}.mlp.3",)),
        ("blocks.{i}.mlp.fc1", ("encoder.layers.encoder_layer_{i}.mlp.linear_1",)),     # in files of before 0.13
        ("blocks.{i}.mlp.fc2", ("encoder.layers.encoder_layer_{i}.mlp.linear_2",)),
        ("norm", ("encoder.ln",)),
        ("head", ("heads.head",)),
    ), eps=1e-6),
    transformers_dialect("transformers", "vit.", "layers.{i}", BLOCKS_IN_MEMORY, VIT_HEAD),
    transformers_dialect("transformers-files", "vit.", "encoder.layer.{i}", BLOCKS_IN_FILES, VIT_HEAD),
    transformers_dialect("transformers-deit", "deit.", "layers.{i}", BLOCKS_IN_MEMORY, DEIT_HEADS),
    transformers_dialect("transformers-deit-files", "deit.", "encoder.layer.{i}", BLOCKS_IN_FILES, DEIT_HEADS),
)}

ANCHORS = ("blocks.0.attn.qkv.weight", "cls_token", "head.weight")
"""Official names whose spelling tells the dialects apart; the first is in every ViT."""

BARE = (("embeddings.distillation_token", "deit."), ("embeddings.cls_token", "vit."))
"""(name in a file of transformers' model without a classifier, the prefix that the others have)."""

PUBLISHED = {(config.embed_dim, config.depth, config.hidden): config.num_heads for config in VIT_VARIANTS.values()}
"""Heads, all of 64 channels, of the models of either paper by channels, blocks and hidden units."""


def recognise(tensors: State) -> tuple[Dialect, State, list[str]]:
    """(the dialect, the tensors that a model may need, sentences about what was assumed or set aside)."""
    notes = []
    if root := next((prefix for name, prefix in BARE if name in tensors), ""):
        tensors = {root + name: value for name, value in tensors.items()}
        notes.append(f"The names have no prefix '{root}': the file is of transformers' model without a classifier.")
    dialect = best_dialect(tensors, VIT_DIALECTS, ANCHORS)
    if dialect is None:
        raise CheckpointError("it has a class token and no first block of a ViT or DeiT that is known: give a file in "
                              f"one of the dialects {', '.join(VIT_DIALECTS)}")
    return dialect, without_set_aside(tensors, dialect, notes), notes


def grid_of(state: State, patch: tuple[int, int], request: Request) -> tuple[int, int]:
    """(h, w) of the map that the position embedding is for: a square one, or that of the image size asked for."""
    positions = with_axes(state, "pos_embed", 3).shape[1] - (2 if "dist_token" in state else 1)
    side = math.isqrt(max(positions, 0))
    if request.image_size is None and (side ** 2 != positions or side == 0):
        raise CheckpointError(f"pos_embed has positions for {positions} patches, which is no square, and nothing else "
                              "tells the image size: give image_size=(height, width)")
    if request.image_size is None:
        return side, side
    size = pair(request.image_size)
    grid = size[0] // patch[0], size[1] // patch[1]
    if (grid[0] * patch[0], grid[1] * patch[1]) != size or grid[0] * grid[1] != positions:
        raise CheckpointError(f"pos_embed has positions for {positions} patches of {patch[0]}x{patch[1]}, and images "
                              f"of {size[0]}x{size[1]} were asked for: leave image_size out, or give the ViTConfig "
                              "that you want as config, to which the positions are resized")
    return grid


def infer(state: State, buffers: State, dialect: Dialect, request: Request, notes: list[str]) -> ViTConfig:
    """The configuration of a model that has these parameters (official names).

    What had to be assumed is added to `notes`. Raises CheckpointError if nothing fits, or a question is left open.
    """
    dim, in_chans, *patch = with_axes(state, "patch_embed.proj.weight", 4).shape
    grid = grid_of(state, patch, request)
    depth = len({name.split(".")[1] for name in state if re.match(r"blocks\.\d+\.", name)})
    hidden = len(with_axes(state, "blocks.0.mlp.fc1.weight", 2))
    num_heads = heads_of_all_layers("ViT", (dim, depth, hidden), PUBLISHED, request, notes)
    eps = request.told.fields.get("eps") if request.told else None
    if eps is None:
        eps = dialect.eps
        notes.append(Assumption(f"The eps of the layer norms is not in the file: {eps} was assumed, as in "
                                f"{dialect.name.partition('-')[0]}."))
    return VIT.configuration(
        state, img_size=(grid[0] * patch[0], grid[1] * patch[1]), patch_size=tuple(patch), in_chans=in_chans,
        num_classes=len(with_axes(state, "head.weight", 2)) if "head.weight" in state else 0, embed_dim=dim,
        depth=depth, num_heads=num_heads, mlp_ratio=mlp_ratio(hidden, dim), qkv_bias="blocks.0.attn.qkv.bias" in state,
        distilled="dist_token" in state, eps=eps)


def fit(config: ViTConfig, state: State, buffers: State, dialect: Dialect, request: Request,
        notes: list[str]) -> State:
    """The parameters with the position embedding for the images of `config`; everything else as it is."""
    grid = grid_of(state, config.patch_size, request)
    return {**state, "pos_embed": resize_positions(state["pos_embed"], grid, config.grid)}


VIT = System("ViT or DeiT", "timm", VisionTransformer, ViTConfig, r"(^|\.)(cls_token|class_token|dist_token)$", r"(?!)",
             VIT_DIALECTS, recognise, infer, fit)
