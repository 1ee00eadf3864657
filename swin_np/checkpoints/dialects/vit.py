"""ViT and DeiT in the names of timm (which are DeiT's official ones), torchvision and transformers."""

import math
from collections.abc import Mapping

from swin_np.baselines.vit import VIT_VARIANTS, ViTConfig
from swin_np.checkpoints.dialects.dialect import Dialect, State, recognise_by_names
from swin_np.checkpoints.dialects.swin import check_is_none_of
from swin_np.checkpoints.notes import Assumption
from swin_np.checkpoints.reader import Reader, Translated, block_counts, classes, mlp_ratio, number_of_heads, with_axes
from swin_np.checkpoints.resizing import resize_positions
from swin_np.errors import CheckpointError
from swin_np.functional import pair
from swin_np.systems.registry import VIT

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
                         head: dict[str, str]) -> Dialect:
    """A table of Hugging Face's models: ViT and DeiT differ outside the blocks, memory and disk inside them."""
    inside = {**inside, "norm1": ("layernorm_before",), "norm2": ("layernorm_after",)}
    return Dialect(name, None, (
        ("cls_token", ("embeddings.cls_token",)),
        *([("dist_token", ("embeddings.distillation_token",))] if root == "deit." else []),
        ("pos_embed", ("embeddings.position_embeddings",)),
        ("patch_embed.proj", ("embeddings.patch_embeddings.projection",)),
        *((f"blocks.{{i}}.{part}", tuple(f"{block}.{spelling}" for spelling in spellings))
          for part, spellings in inside.items()),
        ("norm", ("layernorm",)),
    ), root, tuple((official, (spelling,)) for official, spelling in head.items()),
        set_aside=(("pooler", "embeddings.mask_token"), "classification has no use for it"), eps=1e-12)


VIT_HEAD = {"head": "classifier"}
DEIT_HEADS = {"head": "cls_classifier", "head_dist": "distillation_classifier"}

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
    transformers_dialect("transformers-deit-one-head", "deit.", "layers.{i}", BLOCKS_IN_MEMORY, VIT_HEAD),
    transformers_dialect("transformers-deit-one-head-files", "deit.", "encoder.layer.{i}", BLOCKS_IN_FILES,
                         VIT_HEAD),
)}
"""transformers' DeiT has two classes of classifiers, with a head for each of the two tokens or for the first alone."""

ANCHORS = ("blocks.0.attn.qkv.weight", "cls_token", "dist_token", "head.weight")
"""Official names whose spelling tells the dialects apart; the first is in every ViT."""

PUBLISHED = {(config.embed_dim, config.depth, config.hidden): config.num_heads for config in VIT_VARIANTS.values()}
"""Heads, all of 64 channels, of the models of either paper by channels, blocks and hidden units."""


def grid_of(found: Translated, patch: tuple[int, int]) -> tuple[int, int]:
    """(h, w) of the map that the position embedding is for: a square one, or that of the image size asked for."""
    all_positions = with_axes(found.state, "pos_embed", 3).shape[1]
    positions = all_positions - (2 if "dist_token" in found.state else 1)
    if found.request.image_size is None:
        side = math.isqrt(max(positions, 0))
        if side ** 2 != positions or side == 0:
            alone = math.isqrt(all_positions) ** 2 == all_positions
            unless = ", unless the class token has no position, as in DeiT III, which cannot be computed here"
            raise CheckpointError(f"pos_embed has positions for {positions} patches, which is no square, and nothing "
                                  f"else tells the image size: give image_size=(height, width){unless * alone}")
        return side, side
    size = pair(found.request.image_size)
    grid = size[0] // patch[0], size[1] // patch[1]
    if (grid[0] * patch[0], grid[1] * patch[1]) != size or grid[0] * grid[1] != positions:
        raise CheckpointError(f"pos_embed has positions for {positions} patches of {patch[0]}x{patch[1]}, and images "
                              f"of {size[0]}x{size[1]} were asked for: leave image_size out, or give the ViTConfig "
                              "that you want as config, to which the positions are resized")
    return grid


def infer(found: Translated) -> ViTConfig:
    """The configuration; CheckpointError if nothing fits, or a question is left open."""
    state, told = found.state, found.request.told
    dim, in_chans, *patch = with_axes(state, "patch_embed.proj.weight", 4).shape
    grid = grid_of(found, patch)
    depth = block_counts(state, r"(blocks)\.(\d+)\.")["blocks"]
    hidden = len(with_axes(state, "blocks.0.mlp.fc1.weight", 2))
    num_heads = number_of_heads("ViT", (dim, depth, hidden), PUBLISHED, found)
    headless = "head.weight" not in state              # then both tokens of a DeiT are averaged, as in timm
    eps = told.fields.get("eps") if told else None
    if eps is None:
        eps = found.dialect.eps
        library = found.dialect.name.partition("-")[0]
        found.notes.append(Assumption(f"The eps of the layer norms is not in the file: {eps} was assumed, as in "
                                      f"{library}, and that the class token is classified."))
    return found.reader.configuration(
        state, img_size=(grid[0] * patch[0], grid[1] * patch[1]), patch_size=tuple(patch), in_chans=in_chans,
        num_classes=classes(state, "head"), embed_dim=dim, depth=depth, num_heads=num_heads,
        mlp_ratio=mlp_ratio(hidden, dim), qkv_bias="blocks.0.attn.qkv.bias" in state, distilled="dist_token" in state,
        distillation_head="dist_token" not in state or headless or "head_dist.weight" in state, eps=eps)


def fit(config: ViTConfig, found: Translated) -> State:
    """The parameters with the position embedding for the images of `config`; everything else as it is."""
    grid = grid_of(found, config.patch_size)
    return {**found.state, "pos_embed": resize_positions(found.state["pos_embed"], grid, config.grid)}


OTHERS = ((r"(^|\.)(reg_token|register_tokens|prompt_\w+)$", "a ViT with registers or prompts among its tokens"),
          (r"^(norm_pre|pre_layrnorm|ln_pre)\.", "a ViT with a norm before its blocks, as CLIP's"))
"""(pattern of a name, the relative that has such names), of those whose other tensors are a ViT's."""


def recognise(tensors: State, dialects: Mapping[str, Dialect]) -> tuple[Dialect, State, list[str]]:
    """As `recognise_by_names`; CheckpointError for names of a relative."""
    check_is_none_of(OTHERS, tensors)
    return recognise_by_names(tensors, dialects, ANCHORS, "it has a class token and no first block of a ViT or DeiT "
                              "that is known: give a file in one of the dialects {dialects}")


VIT_READER = Reader(
    VIT, "timm", (r"^(embeddings\.)?(cls|class|dist|distillation)_token$",), ("cls_token",), VIT_DIALECTS, infer, fit,
    recognise)
