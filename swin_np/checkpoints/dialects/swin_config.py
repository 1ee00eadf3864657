"""The configuration of a Swin Transformer, a V2 or a Swin-Mixer: what their shapes tell alike, and what fits them."""

from collections.abc import Iterator
from dataclasses import replace

from swin_np.arguments.config_fields import by_stage
from swin_np.checkpoints.dialects.dialect import State
from swin_np.checkpoints.dialects.swin_buffers import MASK, without_masks, wrong_buffers
from swin_np.checkpoints.dialects.swin_sizes import (
    Choices,
    Windows,
    image_sizes,
    is_plain,
    own_windows,
    shared_windows,
)
from swin_np.checkpoints.notes import Assumption
from swin_np.checkpoints.reader import NAMED_AT_MOST, Translated, block_counts, classes, mlp_ratio, with_axes
from swin_np.checkpoints.resizing import resize_window
from swin_np.errors import CheckpointError, ConfigurationError, SwinError
from swin_np.functional import pair
from swin_np.systems.registry import layer_costs
from swin_np.variants import SwinConfig

FIRST_LINEAR = "layers.0.blocks.0.attn.qkv.weight"


def depths_of(state: State) -> list[int]:
    """How many blocks each stage has."""
    found = block_counts(state, r"layers\.(\d+)\.blocks\.(\d+)\.")
    return [found[str(stage)] for stage in range(len(found))]


def shared_fields(found: Translated, told_by: dict[str, int]) -> dict[str, object]:
    """The fields of the configuration that do not depend on the window.

    told_by: the heads of every stage, by the name of the parameter that tells them.
    """
    state, wanted = found.state, found.request.num_heads
    patch, depths = with_axes(state, "patch_embed.proj.weight", 4).shape, depths_of(state)
    if FIRST_LINEAR in state and (shape := with_axes(state, FIRST_LINEAR, 2).shape)[1] == 3 * shape[0]:
        raise CheckpointError(f"{FIRST_LINEAR} is of shape {shape}, inputs by outputs, as in Paddle, JAX and "
                              "TensorFlow: transpose the weights of its linear layers first")
    if any(side % 2 for side in patch[2:] if side > 1):
        found.notes.append(Assumption(f"The stride of the patches is not in the file: their size {patch[2]}x{patch[3]} "
                                      "was assumed, and where they overlap it is another network."))
    found.reader.refuse([f"{name} has {number} heads, which do not divide {patch[0] * 2**stage} channels"
                         for stage, (name, number) in enumerate(told_by.items()) if patch[0] * 2**stage % number])
    heads = tuple(told_by.values())
    if wanted is not None and tuple(wanted) != heads:
        raise CheckpointError(f"its shapes are for {heads} heads, and {tuple(wanted)} were asked for: leave num_heads "
                              "out")
    widest, channels = f"layers.{len(depths) - 1}.blocks.0.mlp.fc1.weight", patch[0] * 2 ** (len(depths) - 1)
    hidden, inputs = with_axes(state, widest, 2).shape
    found.reader.refuse([f"{widest} has {inputs} inputs, and that stage {channels} channels"]
                        if inputs != channels else [])
    return {"patch_size": patch[2:], "in_chans": patch[1], "embed_dim": patch[0], "num_classes": classes(state, "head"),
            "depths": depths, "num_heads": heads, "mlp_ratio": mlp_ratio(hidden, channels),
            "ape": "absolute_pos_embed" in state, "patch_norm": "patch_embed.norm.weight" in state,
            "shape_policy": found.dialect.shape_policy}


def fitting_config(found: Translated, fields: dict[str, object], choices: Choices) -> SwinConfig:
    """The configuration with these fields, and with windows and an image size, that the parameters and buffers fit.

    choices: for every stage the windows that its own weights allow, the squarest first. A stage with a smaller window
    than others has it because it was clamped to the map or, if that fits no image, as its own. Raises CheckpointError
    if nothing fits, or more than one answer does.
    """
    wanted, told = found.request.image_size, found.request.told
    masked = any(name.endswith(MASK) for name in found.buffers)
    if wanted is not None and masked:
        own = fitting_config(without_image_size(found), fields, choices)
        found = without_masks(found)
        if own.img_size != pair(wanted):
            if told and told.fields.get("img_size") == wanted:
                raise CheckpointError(f"its {told.file} says img_size {wanted}, and its masks are for {own.img_size}: "
                                      f"give the {told.file} that belongs to it")
            found.notes.append(f"The file is for {own.img_size[0]}x{own.img_size[1]} images, its masks were left out.")
    fitting, problems = configs(found, fields, choices, known_windows(found, choices))
    if not fitting and found.request.window_size is None:
        own_choices = own_windows(choices, maps_of(found, fields), fields["shape_policy"])
        fitting, others = configs(found, fields, choices, own_choices)
        problems = others or problems                  # their tables fit: something else does not
        if fitting and wanted is not None:
            check_not_clamped(found, fields, choices, fitting[0])
    if not fitting:
        raise CheckpointError(problems[0] if problems else "no window and no image size have weights of its shapes: "
                              "the file is damaged, get it again")
    config = fitting[-1]
    if len(fitting) > 1 and not is_plain(config, wanted):
        answers = " or ".join(f"image {c.img_size} with window {c.window_size}" for c in fitting[:NAMED_AT_MOST])
        raise CheckpointError(f"it could be for {answers}, and nothing in it tells which: give image_size, or in "
                              "swin_np.load the config")
    if wanted is None and not fields["ape"] and not masked:
        note = f"The image size is not in the file: {config.img_size[0]}x{config.img_size[1]} was assumed."
        # a model that takes images of any size gives the same numbers, whatever it is configured for
        found.notes.append(Assumption(note) if config.shape_policy.image == "fixed" else note)
    return config


def known_windows(found: Translated, choices: Choices) -> Iterator[Windows]:
    """The windows that config.json or the user tells; without them one window for all stages."""
    told = found.request.window_size
    if told is None:
        return shared_windows(choices)
    try:
        return iter([by_stage("window_size", told, len(choices))])
    except ConfigurationError as error:
        raise CheckpointError(str(error)) from None


def configs(found: Translated, fields: dict[str, object], choices: Choices,
            readings: Iterator[Windows]) -> tuple[list[SwinConfig], list[str]]:
    """(those with windows of the `readings` that parameters and buffers fit, what is wrong with the others).

    The last of the former is plain, if any is; no other is looked for then.
    """
    wanted, fitting, problems = found.request.image_size, [], []
    positions = with_axes(found.state, "absolute_pos_embed", 3).shape[1] if fields["ape"] else None
    for windows in readings:
        images = image_sizes(windows, choices, found.buffers, positions, fields["patch_size"])
        for image in images if wanted is None else [pair(wanted)]:
            try:
                config = found.reader.architecture.config(img_size=image, window_size=windows, **fields)
                layer_costs(config)                    # ShapeError if the model takes no image of this size
                found.reader.model_around(config, found.state, None)
                found.reader.refuse(wrong_buffers(config, found.buffers))
            except SwinError as error:
                problems.append(str(error))
                continue
            fitting.append(config)
            if is_plain(config, wanted):
                return fitting, problems
    return fitting, problems


def maps_of(found: Translated, fields: dict[str, object]) -> list[tuple[int, int]] | None:
    """The maps of the image size that was asked for; None without one, or for one that cannot be."""
    if found.request.image_size is None:
        return None
    try:
        return found.reader.architecture.config(img_size=found.request.image_size, **fields).map_sizes()
    except ConfigurationError:
        return None


def check_not_clamped(found: Translated, fields: dict[str, object], choices: Choices, config: SwinConfig) -> None:
    """Raise CheckpointError if the file could be for another image size than that of `config`.

    There one window was clamped to the maps; for the image size that was asked for it would have to be resized.
    """
    clamped, _ = configs(without_image_size(found), fields, choices, shared_windows(choices))
    if clamped:
        raise CheckpointError(
            f"for images of {config.img_size} its stages have windows {config.window_size}, and for images of "
            f"{clamped[0].img_size} all have window {clamped[0].window_size}, which was clamped to the maps: give in "
            "swin_np.load the config, to whose windows the weights are resized")


def without_image_size(found: Translated) -> Translated:
    """The same, as if nobody had asked for an image size; notes are its own."""
    return replace(found, request=replace(found.request, image_size=None), notes=[])


def fits(config: SwinConfig, found: Translated) -> bool:
    """Whether parameters and buffers but masks are a model of this configuration."""
    try:
        found.reader.model_around(config, found.state, None)
    except CheckpointError:
        return False
    return not wrong_buffers(config, without_masks(found).buffers)


def fit(config: SwinConfig, found: Translated) -> State:
    """The parameters for a model of `config`: as they are if they fit, and else with resized tables and positions."""
    if fits(config, found):
        return found.state
    wanted = replace(found.request, num_heads=found.request.num_heads or config.num_heads)
    return resize_window(found.state, found.reader.infer(replace(found, request=wanted)), config)
