"""What the cross-check has to know of an architecture: its units, where its points lie, and their names elsewhere.

An architecture joins with an entry in `CHECKED`; all else follows from its modules.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from swin_np.crosscheck import chains, points, spellings
from swin_np.crosscheck.chains import Unit
from swin_np.crosscheck.points import Place, Shape, Size
from swin_np.crosscheck.spellings import Spelling
from swin_np.errors import InputError
from swin_np.systems.registry import (
    BACKBONE,
    FPN,
    RES2NET,
    RESNET,
    SWIN,
    SWIN_V2,
    UNET,
    UPERNET,
    VIT,
    Architecture,
    Config,
)


@dataclass(frozen=True)
class Checked:
    """An architecture that is cross-checked.

    units: of a model. place, shift: of a point, by its name, with the shape that it has, for a configuration and the
    size of the images. spellings: of a configuration, how implementations call the points. main: patterns of the points
    that a reference file holds for the eye; all others follow from its weights.
    """

    architecture: Architecture
    units: Callable[[Any], list[Unit]]
    place: Callable[[str, Shape, Any, Size], Place]
    shift: Callable[[str, Any, Size], Size]
    spellings: Callable[[Any], list[Spelling]]
    main: tuple[str, ...]


OF_SWIN = ("patch_embed", "patch_embed.proj", "layers.*.norm1", "layers.*.attn", "layers.*.norm2", "layers.*.mlp",
           "layers.*.blocks.?", "layers.*.blocks.??", "layers.?", "layers.*.downsample", "norm", "head", "output")
OF_VIT = ("patch_embed", "patch_embed.proj", "blocks.*.norm1", "blocks.*.attn", "blocks.*.norm2", "blocks.*.mlp",
          "blocks.?", "blocks.??", "norm", "head", "head_dist", "output")
OF_RESNET = ("conv1*", "bn1", "layer?.?", "layer?.??", "layer?.*.conv?", "layer?.*.bn?", "layer?.*.downsample.?", "fc",
             "output")
OF_DENSE = (*(f"backbone.{name}" for name in (*OF_SWIN, *OF_RESNET)), "norms.?", "decode_head*", "fpn.*", "output*")


def dense_units(model: Any) -> list[Unit]:
    return chains.dense_units(model, checked(model.config.backbone).units)


CHECKED = {entry.architecture.config: entry for entry in (
    Checked(SWIN, chains.swin_units, points.swin_place, points.swin_shift, spellings.of_swin, OF_SWIN),
    Checked(SWIN_V2, chains.swin_units, points.swin_place, points.swin_shift, spellings.of_swin_v2, OF_SWIN),
    Checked(VIT, chains.vit_units, points.vit_place, points.no_shift, spellings.of_vit, OF_VIT),
    Checked(RESNET, chains.resnet_units, points.convolution_place, points.no_shift, spellings.of_resnet, OF_RESNET),
    Checked(RES2NET, chains.resnet_units, points.convolution_place, points.no_shift, spellings.of_res2net, OF_RESNET),
    *(Checked(dense, dense_units, points.dense_place, points.dense_shift, spellings.of_dense, OF_DENSE)
      for dense in (UPERNET, UNET, FPN, BACKBONE)),
)}


def checked(config: Config) -> Checked:
    """The entry of an architecture, by its configuration; InputError for one that has none."""
    if type(config) not in CHECKED:
        known = ", ".join(entry.architecture.name for entry in CHECKED.values())
        raise InputError(f"the cross-check does not know the architecture of a {type(config).__name__}: give a model "
                         f"of one of {known}, or compare traces of your own (swin_np.trace)")
    return CHECKED[type(config)]
