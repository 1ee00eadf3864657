"""The parts of every system, in the order of computation: the tour runs them, `info` and `systems` sum them up."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial, singledispatch

from swin_np.arguments.image_batches import check_images
from swin_np.baselines.patch_sequences import COLOURS, PATCH, embedded_patches
from swin_np.baselines.resnet import ResNet
from swin_np.baselines.transformer import Transformer, causal_mask
from swin_np.baselines.vit import VisionTransformer
from swin_np.convolution.functional import interpolate_bilinear, relu
from swin_np.dense.backbones import DenseModel
from swin_np.dense.fpn import FPN, StridedLevels, top_down
from swin_np.dense.unet import UNetDecoder
from swin_np.dense.upernet import UPerHead, add_coarser
from swin_np.functional import Array
from swin_np.layers import Module
from swin_np.model import SwinTransformer

Windows = tuple[tuple[int, ...], tuple[tuple[int, int], ...]]
"""The window in force, (M, M) or (n,), and the displacements of the blocks in turn; both () where nothing attends."""


@dataclass(frozen=True)
class Part:
    """A part of a model.

    layers: how the official names of its layers begin. run: what it computes. stage: whether its map is one of those
    that the model is for: of `feature_maps`, of a pyramid's levels, or a segmentation's scores. heads: of its
    attention. windows: for the size of its map.
    """

    name: str
    layers: tuple[str, ...]
    run: Callable[[Array], Array]
    stage: bool = False
    heads: int = 0
    windows: Callable[[tuple[int, ...]], Windows] = lambda map_size: ((), ())


@singledispatch
def model_parts(model: Module) -> list[Part]:
    """The parts of a model, in the order of computation: from images to what calling the model gives."""
    raise TypeError(f"a {type(model).__name__} has no parts that are known here")


@model_parts.register
def swin_parts(model: SwinTransformer) -> list[Part]:
    """Fig. 3a; V2's and Swin-Mixer's too."""
    parts = [Part("patch embedding", ("patch_embed", "absolute_pos_embed"), model.embed)]
    for i, stage in enumerate(model.layers):
        def windows(map_size: tuple[int, ...], blocks: list = stage.blocks) -> Windows:
            settings = [block.shape_policy.window_and_shift(map_size, block.window_size, block.shift_size)
                        for block in blocks]
            return settings[0][0], tuple(shift for _, shift in settings)

        parts.append(Part(f"stage {i + 1}, {len(stage.blocks)} blocks", (f"layers.{i}.blocks",), stage.run_blocks, True,
                          model.config.num_heads[i], windows))
        if stage.downsample is not None:
            parts.append(Part("patch merging", (f"layers.{i}.downsample",), stage.downsample))
    return [*parts, Part("norm, mean, head", ("norm", "avgpool", "head"), model.classify)]


@model_parts.register
def vit_parts(model: VisionTransformer) -> list[Part]:
    """ViT's Fig. 1: one sequence, and one window around all of it."""
    return [Part("patch embedding", ("patch_embed", "pos_embed"), model.embed),
            Part(f"{len(model.blocks)} blocks", ("blocks",), model.run_blocks, True, model.config.num_heads,
                 lambda length: (length, ())),
            Part("norm, head", ("norm", "head", "mean"), model.classify)]


@model_parts.register
def transformer_parts(model: Transformer) -> list[Part]:
    """Fig. 1 of its paper: the encoder's layers on the patches, then the decoder's on the same patches, causally."""
    sequences: list[Array] = []                        # the embedded patches, then what the encoder makes of them

    def embed(images: Array) -> Array:
        sequences.append(embedded_patches(check_images(images, COLOURS, model.dtype), model.config))
        return sequences[0]

    def end_encoder(x: Array) -> Array:
        sequences.append(model.encoder.norm(x))
        return sequences[1]

    def decode(i: int, x: Array) -> Array:
        x = sequences[0] if i == 0 else x
        return model.decoder.layers[i](x, sequences[1], causal_mask(x.shape[1]))

    def layer(stack: str, i: int, run: Callable[[Array], Array]) -> Part:
        return Part(f"{stack}, layer {i + 1}", (f"{stack}.layers.{i}.",), run, heads=model.config.nhead,
                    windows=lambda length: (length, ()))

    return [Part(f"{PATCH}x{PATCH} patches", (), embed),
            *(layer("encoder", i, module) for i, module in enumerate(model.encoder.layers)),
            Part("encoder, norm", ("encoder.norm",), end_encoder, True),
            *(layer("decoder", i, partial(decode, i)) for i in range(len(model.decoder.layers))),
            Part("decoder, norm", ("decoder.norm",), model.decoder.norm, True)]


@model_parts.register
def resnet_parts(model: ResNet) -> list[Part]:
    """ResNet's Table 1; ResNeXt's and Res2Net's too."""
    stages = [Part(f"stage {i}, {len(blocks)} blocks", (f"layer{i}",), partial(model.run_blocks, blocks), True)
              for i, blocks in enumerate(model.stages(), start=1)]
    return [Part("stem", ("conv1", "bn1", "relu", "maxpool"), model.embed), *stages,
            Part("mean, head", ("avgpool", "fc"), model.classify)]


@model_parts.register
def dense_parts(model: DenseModel) -> list[Part]:
    """The backbone up to its last map, the norms of its maps, the head; maps that are needed later are kept."""
    maps: list[Array] = []                             # of the backbone, the finest first
    image: list[Array] = []

    def embed(images: Array) -> Array:
        image.append(images)
        return embedding.run(images)

    def run_stage(stage: Part, x: Array) -> Array:
        maps.append(stage.run(x))
        return maps[-1]

    def normalise(i: int, _: Array) -> Array:
        maps[i] = model.norms[i](maps[i])
        return maps[i]

    embedding, *stages, _ = model_parts(model.backbone)                 # without what classifies
    parts = [replace(embedding, run=embed), *(replace(part, run=partial(run_stage, part), stage=False) if part.stage
                                              else part for part in stages)]
    parts = [replace(part, layers=tuple(f"backbone.{name}" for name in part.layers)) for part in parts]
    parts += [Part(f"norm of map {i + 1}", (f"norms.{i}",), partial(normalise, i))
              for i in range(len(model.norms or []))]
    if hasattr(model, "fpn"):
        return parts + fpn_parts(model.fpn, maps)
    head_parts = upernet_parts if isinstance(model.decode_head, UPerHead) else unet_parts
    return [*parts, *head_parts(model.decode_head, maps),
            Part("classifier", ("decode_head.classifier",), model.decode_head.classifier),
            Part("scores", ("scores",), lambda x: interpolate_bilinear(x, image[0].shape[2:]), True)]


def fpn_parts(fpn: FPN, maps: list[Array]) -> list[Part]:
    """FPN's Fig. 3 from the coarsest map to the finest, then the levels."""
    merged: dict[int, Array] = {}                      # by the number of the map
    coarsest = len(fpn.inner_blocks) - 1

    def lateral(i: int, _: Array) -> Array:
        merged[i] = fpn.inner_blocks[i][0](maps[i])
        if i < coarsest:
            merged[i] = top_down([merged[i], merged[i + 1]])[0]
        return merged[i]

    parts = [Part(f"lateral {i + 1}" + ", top-down" * (i < coarsest), (f"fpn.inner_blocks.{i}",), partial(lateral, i))
             for i in reversed(range(coarsest + 1))]
    parts += [Part(f"level {i + 1}", (f"fpn.layer_blocks.{i}",), lambda _, i=i: fpn.layer_blocks[i][0](merged[i]),
                   True) for i in range(coarsest + 1)]
    extra, name = fpn.extra_blocks, "fpn.extra_blocks"
    if extra is None:
        return parts
    if isinstance(extra, StridedLevels):
        return [*parts, Part("level p6", (f"{name}.p6",), extra.p6, True),
                Part("level p7", (f"{name}.p7",), lambda p6: extra.p7(relu(p6)), True)]
    return [*parts, Part("level pool", (f"{name}.pool",), lambda level: extra(level)[0], True)]


def upernet_parts(head: UPerHead, maps: list[Array]) -> list[Part]:
    """UPerNet's Fig. 4 from the coarsest map to the finest, then the levels and their fusion."""
    merged: dict[int, Array] = {}                      # by the number of the map
    coarsest = len(head.lateral_convs)

    def pool(_: Array) -> Array:
        merged[coarsest] = head.pyramid_pooling(maps[-1])
        return merged[coarsest]

    def lateral(i: int, _: Array) -> Array:
        merged[i] = add_coarser(head.lateral_convs[i](maps[i]), merged[i + 1])
        return merged[i]

    def level(i: int, _: Array) -> Array:
        merged[i] = head.fpn_convs[i](merged[i])
        return merged[i]

    return [Part("pyramid pooling", ("decode_head.psp_modules", "decode_head.bottleneck"), pool),
            *(Part(f"lateral {i + 1}, top-down", (f"decode_head.lateral_convs.{i}",), partial(lateral, i))
              for i in reversed(range(coarsest))),
            *(Part(f"level {i + 1}", (f"decode_head.fpn_convs.{i}",), partial(level, i)) for i in range(coarsest)),
            Part("fusion", ("decode_head.fpn_bottleneck",), lambda _: head.fuse([merged[i] for i in sorted(merged)]))]


def unet_parts(decoder: UNetDecoder, maps: list[Array]) -> list[Part]:
    """U-Net's expansive path, Fig. 1 on the right, from the coarsest map upwards."""
    return [Part(f"up, beside map {len(decoder.up_blocks) - i}", (f"decode_head.up_blocks.{i}",),
                 lambda x, i=i: decoder.up_blocks[i](x, maps[-2 - i])) for i in range(len(decoder.up_blocks))]
