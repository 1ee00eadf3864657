"""What the names of timm's architectures tell, and `model_args` and `pretrained_cfg` in its config.json.

Only names whose models have the numbers of a system here are known. timm has relatives with the same tensors:
resnetaa50 and resnetblur50, for instance, smooth before they shrink a map.
"""

import re
from collections.abc import Mapping

from swin_np.checkpoints.config_files.entries import Entries
from swin_np.errors import CheckpointError
from swin_np.systems.registry import RES2NET, RESNET, SWIN, SWIN_V2, VIT, Architecture

FIRST_TRAINED_ON = 32                                  # pixels of the image for one token of the last stage's map
RETRAINED = r"(_22k|_22kft1k|_in22k|_in22ft1k|_in21k|_miil|_sam|_dino)?"          # in names of before timm 0.9
NAMES = {
    SWIN: r"swin_((?P<size>tiny|small|base|large)_patch4_window(?P<window>\d+)|s3_(?P<searched>tiny|small|base))"
          rf"_(?P<image>\d+){RETRAINED}",
    SWIN_V2: r"swinv2_(?P<size>tiny|small|base|large)_window((?P<first_window>\d+)to)?(?P<window>\d+)"
             rf"_((?P<first_image>\d+)to)?(?P<image>\d+){RETRAINED}",
    VIT: r"(vit|deit)_(?P<size>tiny|small|base|large|huge|giant|gigantic)(_distilled)?_patch\d+_(?P<image>\d+)"
         + RETRAINED,
    RESNET: r"(tv_|gluon_|ig_|ssl_|swsl_)?(resnet|resnext|wide_resnet)(\d+)(_\d+x\d+d|_2)?(_v1b)?",
    RES2NET: r"res2net\d+_\d+w_\d+s|res2next50|res2net\d+d",
}
"""Architecture: regular expression of the names that it has in timm."""

SWIN_SIZES = {"tiny": (96, (2, 2, 6, 2)), "small": (96, (2, 2, 18, 2)), "base": (128, (2, 2, 18, 2)),
              "large": (192, (2, 2, 18, 2))}           # embed_dim, depths
S3_SIZES = {"tiny": ((2, 2, 6, 2), (7, 7, 14, 7)), "small": ((2, 2, 18, 2), (14, 14, 14, 7)),
            "base": ((2, 2, 30, 2), (7, 7, 14, 7))}    # depths, windows of the stages; embed_dim is 96
VIT_SIZES = {"tiny": (192, 12, 3), "small": (384, 12, 6), "base": (768, 12, 12), "large": (1024, 24, 16),
             "huge": (1280, 32, 16), "giant": (1408, 40, 16), "gigantic": (1664, 48, 16)}  # embed_dim, depth, num_heads
VIT_EPS = 1e-6

ARGUMENTS = {"img_size": Entries.pair, "patch_size": Entries.pair, "in_chans": Entries.count,
             "num_classes": Entries.count, "embed_dim": Entries.count, "depths": Entries.counts,
             "depth": Entries.count, "window_size": Entries.windows, "mlp_ratio": Entries.number,
             "qkv_bias": Entries.flag, "pretrained_window_sizes": Entries.counts, "layers": Entries.counts,
             "cardinality": Entries.count, "base_width": Entries.count}
USUAL = {"always_partition": False, "act_layer": "gelu", "qk_norm": False, "class_token": True, "pos_embed": "learn",
         "no_embed_class": False, "reg_tokens": 0, "pre_norm": False, "final_norm": True, "output_stride": 32}
NO_MATTER = r".*drop.*|(strict|dynamic)_img_(size|pad)|dynamic_mask|.*init.*"           # training, or other image sizes


def told_by(entries: Entries, architecture: str, system: Architecture) -> dict[str, object]:
    """The fields of a configuration that timm's config.json tells; CheckpointError for other models and settings."""
    name = architecture.partition(".")[0]              # behind the point is what it was trained on
    found = re.fullmatch(NAMES.get(system, r"(?!)"), name)
    if not found:
        raise CheckpointError(f"its {entries.file} says that it is timm's {name[:100]!r}, which is no {system.name} "
                              "with the numbers of one, though its tensors may look alike: it cannot be computed, take "
                              "another checkpoint")
    arguments = entries.part("model_args") or Entries(entries.file, {})
    check_arguments(arguments, entries.text("global_pool"), system)
    fields = by_name(system, found.groupdict()) | by_input(entries, system)
    if system is VIT:
        fields |= {"num_heads": arguments.count("num_heads") or fields["num_heads"]}
    elif (heads := arguments.counts("num_heads")) is not None:
        fields |= {"num_heads": heads}
    given = {argument: value for argument, read in ARGUMENTS.items()
             if (value := read(arguments, argument)) is not None}
    return fields | given


def by_name(system: Architecture, parts: dict[str, str | None]) -> dict[str, object]:
    """What the architecture's name alone tells; other values in `model_args` count more."""
    if system in (RESNET, RES2NET):
        return {}
    image = {"img_size": (int(parts["image"]),) * 2}
    if system is VIT:
        embed_dim, depth, num_heads = VIT_SIZES[parts["size"]]
        return {"embed_dim": embed_dim, "depth": depth, "num_heads": num_heads, **image, "eps": VIT_EPS}
    if parts.get("searched"):                          # "S3": windows were searched for, as much else
        depths, windows = S3_SIZES[parts["searched"]]
        return {"embed_dim": 96, "depths": depths, "window_size": tuple((m, m) for m in windows), **image}
    embed_dim, depths = SWIN_SIZES[parts["size"]]
    fields = {"embed_dim": embed_dim, "depths": depths, "window_size": (int(parts["window"]),) * 2, **image}
    if system is SWIN:
        return fields
    pretrained = (0,)                                  # of all stages
    if parts["first_window"] and parts["first_image"]:                  # on the last map of the first training clamped
        image_side, last = int(parts["first_image"]), len(depths) - 1
        pretrained = tuple(min(int(parts["first_window"]), image_side * 2**(last - stage) // FIRST_TRAINED_ON)
                           for stage in range(len(depths)))
    return fields | {"pretrained_window_sizes": pretrained}


def by_input(entries: Entries, system: Architecture) -> dict[str, object]:
    """Channels, image size and classes by `pretrained_cfg`; of a convolutional network images have any size."""
    told = entries.part("pretrained_cfg") or entries
    size = told.counts("input_size") or ()
    fields: dict[str, object] = {}
    if len(size) == 3:                                 # what else it can be was refused with the preprocessing
        fields = {"in_chans": size[0]} if system in (RESNET, RES2NET) else {"in_chans": size[0], "img_size": size[1:]}
    classes = entries.count("num_classes")
    classes = told.count("num_classes") if classes is None else classes
    return fields if classes is None else fields | {"num_classes": classes}


def check_arguments(arguments: Entries, pool: str | None, system: Architecture) -> None:
    """Raise CheckpointError for arguments of the constructor that the models here do not have."""
    usual = USUAL | {"global_pool": "token" if system is VIT else "avg"}
    values: Mapping[str, object] = {"global_pool": pool} | arguments.values
    for name, value in values.items():
        known = name in ARGUMENTS or name == "num_heads" or re.fullmatch(NO_MATTER, name)
        if known or value is None or (name in usual and value in (usual[name], "")):
            continue
        shown = name[:100] if name.isprintable() else ascii(name[:100])
        raise CheckpointError(f"its {arguments.file} says {shown} {str(value)[:100]!r}, which no {system.name} has "
                              "here: it cannot be computed, take another checkpoint")
