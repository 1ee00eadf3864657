"""What the model of an implementation can hold, and where it computes otherwise: sizes, windows, tables, heads."""

from dataclasses import replace

from swin_np.baselines.swin_v2 import SwinV2Config
from swin_np.baselines.vit import ViTConfig
from swin_np.checkpoints.dialects.dialect import Dialect
from swin_np.checkpoints.dialects.swin_v2 import V2_IN_TRANSFORMERS, check_windows_in_transformers
from swin_np.dense.backbones import DenseConfig
from swin_np.errors import CheckpointError, SwinError
from swin_np.functional import pair
from swin_np.shape_policy import ShapePolicy
from swin_np.systems.registry import Config, layer_costs
from swin_np.text import size
from swin_np.variants import SwinConfig

ONLY: dict[str, dict[str, object]] = {
    "torchvision": {"in_chans": 3, "qkv_bias": True, "patch_norm": True, "inplanes": 64},
    "timm": {"patch_norm": True, "inplanes": 64},
    "transformers": {"patch_norm": True, "cardinality": 1, "base_width": 64},
    "mmdetection": {"patch_norm": True},
    "mmpretrain": {"patch_norm": True},
}
"""By implementation: the fields of which its models have one value only."""

TOKENS = {"": "a ViT with a class token alone", "-deit": "a DeiT that classifies, or averages, both its tokens",
          "-deit-one-head": "a DeiT that classifies its class token alone"}
"""The kinds of ViT in transformers, by what its dialects are called."""

SQUARE = {
    ("torchvision", ViTConfig): ("img_size", "patch_size"), ("transformers", SwinConfig): ("window_size",),
    ("microsoft", SwinConfig): ("window_size", "patch_size"), ("mmdetection", SwinConfig): ("window_size",),
    ("mmpretrain", SwinConfig): ("window_size",),
}
"""The fields that are one number there, for height and width."""


def check_held(config: Config, dialect: Dialect) -> None:
    """Raise CheckpointError where no model of the dialect's implementation has this configuration."""
    library = dialect.name.partition("-")[0]
    for part in (config, config.backbone) if isinstance(config, DenseConfig) else (config,):
        for name, value in ONLY.get(library, {}).items():
            if getattr(part, name, value) != value:
                raise CheckpointError(f"its {name} is {getattr(part, name)}, and models of {library} have {value}: "
                                      "choose another dialect")
        for (limited, kind), names in SQUARE.items():
            for name in names if limited == library and isinstance(part, kind) else ():
                if len({*pair(getattr(part, name))}) > 1:
                    raise CheckpointError(f"its {name} is {size(getattr(part, name))}, and in {library} it is one "
                                          "number for height and width: choose another dialect")
    if isinstance(config, DenseConfig) and library == "transformers" and type(config.backbone) is SwinV2Config:
        raise CheckpointError("it stands on a Swin Transformer V2, whose names in transformers' UPerNet are not known "
                              "here: choose the dialect swin_np")
    if isinstance(config, ViTConfig):
        check_heads(config, dialect)
    if isinstance(config, SwinConfig):
        check_sizes(config, dialect)


def check_heads(config: ViTConfig, dialect: Dialect) -> None:
    """Raise CheckpointError unless the class of models that the dialect is of has these tokens and heads."""
    kind = "" if not config.distilled else "-deit" if config.read_tokens == 2 else "-deit-one-head"
    if dialect.name.startswith("transformers"):
        files = "-files" if dialect.name.endswith("-files") else ""
        if dialect.name != (wanted := f"transformers{kind}{files}"):
            raise CheckpointError(f"{dialect.name} has the names of another model than {TOKENS[kind]}: choose the "
                                  f"dialect {wanted}")
    elif dialect.name == "timm" and kind == "-deit-one-head":
        raise CheckpointError("its class token alone is classified, and timm's distilled model averages the scores of "
                              "two heads: choose the dialect transformers-deit-one-head")
    elif dialect.name == "torchvision" and config.distilled:
        raise CheckpointError("it has a distillation token, and torchvision has no DeiT: choose another dialect")


def check_sizes(config: SwinConfig, dialect: Dialect) -> None:
    """Raise CheckpointError where the implementation refuses the images, or has other tables or windows for them."""
    library, pixels = dialect.name.partition("-")[0], size(pair(config.img_size))
    try:
        theirs = replace(config, shape_policy=dialect.shape_policy)
        layer_costs(theirs)
        check_tables(config, dialect)
        if dialect.shape_policy is V2_IN_TRANSFORMERS and isinstance(theirs, SwinV2Config):
            check_windows_in_transformers(theirs)
    except CheckpointError:
        raise
    except SwinError as error:
        raise CheckpointError(f"{library} takes no images of {pixels} pixels with it, since {error}") from None


def check_tables(config: SwinConfig, dialect: Dialect) -> None:
    """Raise CheckpointError where the dialect would have bias tables, or a V2's coordinates, of another size.

    Some implementations make them for the configured window, others for a window clamped to a small map.
    """
    other = replace(config, shape_policy=dialect.shape_policy)
    for stage, (ours, theirs) in enumerate(zip(config.map_sizes(), other.map_sizes(), strict=True), start=1):
        have = config.shape_policy.table_window(ours, config.window_size)
        want = dialect.shape_policy.table_window(theirs, config.window_size)
        if have != want:
            raise CheckpointError(f"the position biases of stage {stage} are for a window of {size(have)}, and "
                                  f"{dialect.name} would have {size(want)} there: choose a dialect that clamps windows "
                                  "alike, such as microsoft or timm")


def differing_stages(config: SwinConfig, policy: ShapePolicy) -> list[int]:
    """The stages, from 1 on, in which another policy computes otherwise on images of the configured size."""
    ours, theirs = ([in_force(config, each, stage) for stage in range(len(config.depths))]
                    for each in (config.shape_policy, policy))
    return [stage for stage, (one, other) in enumerate(zip(ours, theirs, strict=True), start=1) if one != other]


def in_force(config: SwinConfig, policy: ShapePolicy, stage: int) -> tuple[object, ...]:
    """The map, the window, the shift and, if either matters, the order of padding and shift in a stage from 0 on."""
    map_size = replace(config, shape_policy=policy).map_sizes()[stage]
    half = tuple(side // 2 for side in config.window_size)
    window, shift = policy.window_and_shift(map_size, config.window_size, half)
    shift = shift if config.depths[stage] > 1 else (0, 0)               # only every second block shifts
    padded = any(side % m for side, m in zip(map_size, window, strict=True))
    return map_size, window, shift, padded and any(shift) and policy.pads_before_roll
