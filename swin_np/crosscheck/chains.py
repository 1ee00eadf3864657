"""The chain of each architecture as units: what the cross-check runs by itself, each on the candidate's own input."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from swin_np.baselines.resnet import ResNet
from swin_np.baselines.vit import VisionTransformer
from swin_np.dense.backbones import Backbone, DenseModel
from swin_np.dense.pyramid import FeaturePyramid
from swin_np.functional import Array
from swin_np.layers import names_of_modules
from swin_np.model import SwinTransformer

Passed = Array | tuple[Array, ...]
"""What a unit takes and gives: an array; of a dense model (images, the maps so far, the map at hand)."""
Units = Callable[..., list["Unit"]]


@dataclass(frozen=True)
class Unit:
    """A link of the chain that a model is: a block, a patch merging, the embedding or the classifier.

    outputs: the points that its result is, those aside that its own modules show. modules: with which it computes, by
    how their names begin, "output" for the model's own; () for the one of its name. reads: the units whose results it
    takes; () for the one before. is_block: of a stage. gives_map: its result is one of the model's maps.
    """

    name: str
    compute: Callable[[Passed], Passed]
    outputs: tuple[str, ...]
    modules: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    is_block: bool = False
    gives_map: bool = False

    @property
    def parts(self) -> tuple[str, ...]:
        """How the names of its modules begin."""
        return self.modules or (self.name,)


def at_hand(x: Passed) -> Array:
    """What a unit is given by the one before it."""
    return x[-1] if isinstance(x, tuple) else x


def each(change: Callable[[Array], Array], x: Passed) -> Passed:
    """The same change of everything that is passed."""
    return tuple(map(change, x)) if isinstance(x, tuple) else change(x)


def swin_units(model: SwinTransformer) -> list[Unit]:
    """Embedding, each block and each patch merging by itself, classifier; of either version."""
    embedding, *steps, head = model.chain()
    names = names_of_modules(model)
    chain = [Unit("patch_embed", embedding.compute, () if model.config.ape else ("patch_embed",))]
    for step in steps:
        chain += [Unit(name, module, (name,), is_block=step.stage) for name, module in step.modules.items()]
        outputs = chain[-1].outputs + (() if step.ends is None else (names[id(step.ends)],))
        chain[-1] = replace(chain[-1], outputs=outputs, gives_map=step.stage)
    outputs = ("output",) if model.head is None else ("head", "output")
    return [*chain, Unit("head", head.compute, outputs, ("head", "norm", "output"))]


def vit_units(model: VisionTransformer) -> list[Unit]:
    """Embedding, each block, norm and head; the embedded tokens are no point."""
    outputs = ("head", "output") if model.head is not None and model.head_dist is None else ("output",)
    return [Unit("patch_embed", model.embed, ()),
            *(Unit(f"blocks.{i}", block, (f"blocks.{i}",), is_block=True) for i, block in enumerate(model.blocks)),
            Unit("head", model.classify, outputs, ("head", "head_dist", "norm", "output"))]


def resnet_units(model: ResNet) -> list[Unit]:
    """Stem, each residual block, head; what the stem's pooling gives is no point."""
    chain = [Unit("conv1", model.embed, (), ("conv1", "bn1"))]
    for i, blocks in enumerate((model.layer1, model.layer2, model.layer3, model.layer4), start=1):
        chain += [Unit(f"layer{i}.{j}", block, (f"layer{i}.{j}",), is_block=True, gives_map=j == len(blocks) - 1)
                  for j, block in enumerate(blocks)]
    outputs = ("output",) if model.fc is None else ("fc", "output")
    return [*chain, Unit("fc", model.classify, outputs, ("fc", "output"))]


def dense_units(model: DenseModel, of_backbone: Units) -> list[Unit]:
    """The backbone's units without its classifier, the norm of each map, and all maps through the head.

    They pass on (images, the maps so far, the map at hand): a unit behind a stage keeps the stage's map.
    """
    first, *others = of_backbone(model.backbone)[:-1]
    chain = [replace(first, compute=lambda images: (images, first.compute(images)))]
    for before, unit in zip([first, *others], others, strict=False):
        kept = None if before.gives_map else -1
        chain.append(replace(unit, compute=lambda x, unit=unit, kept=kept: (*x[:kept], unit.compute(x[-1]))))
    chain = [in_backbone(unit) for unit in chain]
    maps = [unit.name for unit in chain if unit.gives_map]
    for i, norm in enumerate(model.norms):
        if norm is not None:
            chain.append(Unit(f"norms.{i}", lambda x, i=i, norm=norm: (*x[:i + 1], norm(x[i + 1]), *x[i + 2:]),
                              (f"norms.{i}",), reads=(maps[i],)))
            maps[i] = f"norms.{i}"
    return [*chain, head_of(model, tuple(maps))]


def in_backbone(unit: Unit) -> Unit:
    """A backbone's unit by the names that it has in a dense model."""
    outputs, modules = (tuple(f"backbone.{name}" for name in names) for names in (unit.outputs, unit.modules))
    return replace(unit, name=f"backbone.{unit.name}", outputs=outputs, modules=modules)


def head_of(model: DenseModel, reads: tuple[str, ...]) -> Unit:
    """What takes all maps: the pyramid, the decoder with its stretched scores, or nothing but the maps themselves."""
    if isinstance(model, Backbone):
        return Unit("output", lambda x: list(x[1:]), ("output",), reads=reads)
    if isinstance(model, FeaturePyramid):
        return Unit("fpn", lambda x: model.fpn(x[1:]), ("output",), ("fpn", "output"), reads)
    return Unit("decode_head", lambda x: model.score(x[1:], np.shape(x[0])[-2:]), ("output",),
                ("decode_head", "output"), reads)
