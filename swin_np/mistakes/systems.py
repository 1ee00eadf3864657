"""Which mistakes can be made in which system: its own, and of Swin's and ResNet's those that mean the same there."""

from dataclasses import replace
from types import ModuleType

from swin_np.baselines.res2net import Res2Net
from swin_np.baselines.resnet import ResNet
from swin_np.baselines.swin_v2 import SwinTransformerV2
from swin_np.baselines.vit import VisionTransformer
from swin_np.dense.backbones import DenseModel
from swin_np.dense.segmentation import UPerNet
from swin_np.layers import Module
from swin_np.mistakes import (
    attention,
    block,
    images,
    layers,
    model,
    patches,
    relative_position,
    res2net,
    resnet,
    swin_v2,
    upernet,
    vision_transformer,
    windows,
)
from swin_np.mistakes.mistake import BLOCK, BLOCK_MIDDLE, NOWHERE, Mistake
from swin_np.model import SwinTransformer

SWIN = (images, patches, windows, relative_position, attention, block, layers, model)
SWIN_V2 = (images, patches, windows, relative_position, attention, swin_v2, block, layers, model)
VIT = (images, patches, attention, vision_transformer, block, layers)
OTHERS = (resnet, res2net, vision_transformer, swin_v2)

NOT_IN_V2 = ("swin_np.attention.attention", "swin_np.attention.relative_position_bias",
             "swin_np.attention.WindowAttention.", "swin_np.block.SwinTransformerBlock.forward",
             "swin_np.patches.PatchMerging.forward", "swin_np.layers.Linear.")
IN_VIT = (patches.PARTITION, patches.EMBEDDING, attention.SPLIT, block.GELU, layers.LAYER_NORM, vision_transformer.NORM)
EPS_OF_SWIN = (layers.norm_eps_1e_6, layers.norm_eps_1e_3)
IN_HEADS = (resnet.NORM, resnet.CONVOLUTION)
AT_THE_END = (".pool", ".classify")                    # how the places of what stands behind the last map end
AT_ANY_DEPTH = r"(.+\.)?"                              # how a pattern begins that fits below a backbone's name too


def entries(*sections: ModuleType) -> list[Mistake]:
    """The mistakes of these files that show in a model, those behind the last map at the end."""
    found = [entry for section in sections for entry in vars(section).values()
             if isinstance(entry, Mistake) and entry.modules != NOWHERE]
    return sorted(found, key=at_the_end)


def at_the_end(entry: Mistake) -> bool:
    """Whether a mistake is behind the last map."""
    return entry.replaces.endswith(AT_THE_END)


def of_the_swin_paper(entry: Mistake) -> Mistake:
    """A mistake of Swin's, where another paper is at hand."""
    section, comma, rest = entry.place.partition(",")
    return entry if " of the " in section else replace(entry, place=f"{section} of the Swin paper{comma}{rest}")


def in_swin_v2(entry: Mistake) -> Mistake:
    """A mistake where it first shows in V2, which normalises last."""
    moved = {BLOCK_MIDDLE: swin_v2.FIRST_NORM, patches.MERGING: swin_v2.MERGED}
    return replace(of_the_swin_paper(entry), modules=moved.get(entry.modules, entry.modules))


def in_vit(entry: Mistake) -> Mistake:
    """A mistake where it first shows in a ViT, which has no stages."""
    return replace(of_the_swin_paper(entry), modules=entry.modules.replace(BLOCK, vision_transformer.BLOCK))


def in_backbone(entry: Mistake) -> Mistake:
    """A mistake where it first shows in a model that stands on the one in which it was made."""
    if entry.modules == images.INPUT or entry.modules.startswith(AT_ANY_DEPTH):
        return entry
    return replace(entry, modules=rf"backbone\.({entry.modules})")


def of_swin_v2() -> list[Mistake]:
    own = entries(swin_v2)
    return [entry if entry in own else in_swin_v2(entry) for entry in entries(*SWIN_V2)
            if not entry.replaces.startswith(NOT_IN_V2)]


def of_vit() -> list[Mistake]:
    own = entries(images, vision_transformer)
    return [entry if entry in own else in_vit(entry) for entry in entries(*VIT)
            if entry in own or (entry.replaces in IN_VIT and entry not in EPS_OF_SWIN)]


def of_res2net() -> list[Mistake]:
    return [entry for entry in entries(images, resnet, res2net) if entry.replaces != resnet.BOTTLENECK]


def of_dense_model(model: DenseModel) -> list[Mistake]:
    """Those of the backbone, and in a UPerNet those of the head."""
    found = [in_backbone(entry) for entry in mistakes_of(model.backbone) if not at_the_end(entry)]
    if not isinstance(model, UPerNet):
        return found
    in_head = [entry for entry in entries(resnet) if entry.replaces in IN_HEADS and not entry.needs]
    return [*found, *(entry for entry in in_head if entry not in found), *entries(upernet)]


def mistakes_of(model: Module) -> list[Mistake]:
    """The mistakes that can be made in this model, in the order of the data's way through it."""
    if isinstance(model, DenseModel):
        return of_dense_model(model)
    found = {SwinTransformer: lambda: entries(*SWIN), SwinTransformerV2: of_swin_v2, VisionTransformer: of_vit,
             ResNet: lambda: entries(images, resnet), Res2Net: of_res2net}
    return found.get(type(model), lambda: entries(images))()
