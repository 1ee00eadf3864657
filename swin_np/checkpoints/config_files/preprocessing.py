"""How the images of a checkpoint are prepared, as the files beside it tell: transformers' and timm's."""

from dataclasses import dataclass

from swin_np.checkpoints.config_files.entries import Entries

RESAMPLINGS = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")          # Pillow's filters by number
SQUARE = ("ViT", "DeiT")                               # processors for which one number in an older file is both sides


@dataclass(frozen=True)
class StoredPreprocessing:
    """What preprocessor_config.json (transformers) or config.json (timm) says; None where it says nothing.

    file: which of them. processor: the name of transformers' class, "timm" for timm.
    resize: (height, width) in pixels, or one number for the shorter side.
    crop: (height, width) of the centre that is cut out; in timm the size of the model's images.
    crop_pct: crop over resize, from which timm, and transformers' ConvNext processor, find the size to resize to.
    crop_mode: timm's "center", "squash" or "border". interpolation: a name of RESAMPLINGS.
    mean, std: of each colour, (3,), after pixels of 0 to 255 were multiplied by rescale_factor.
    do_resize, do_center_crop, do_rescale, do_normalize: whether transformers takes these steps at all.
    """

    file: str
    processor: str | None = None
    resize: int | tuple[int, int] | None = None
    crop: tuple[int, int] | None = None
    crop_pct: float | None = None
    crop_mode: str | None = None
    interpolation: str | None = None
    rescale_factor: float | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    do_resize: bool | None = None
    do_center_crop: bool | None = None
    do_rescale: bool | None = None
    do_normalize: bool | None = None


def of_transformers(entries: Entries) -> StoredPreprocessing:
    """The content of preprocessor_config.json; CheckpointError for entries that are not of the usual kinds."""
    resample = entries.count("resample")
    if resample is not None and resample >= len(RESAMPLINGS):
        raise entries.wrong("resample", f"the number of one of Pillow's filters, 0 to {len(RESAMPLINGS) - 1}")
    processor = entries.text("image_processor_type") or entries.text("feature_extractor_type")
    resize = size_of(entries, "size")
    if isinstance(entries.values.get("size"), int) and (processor or "").startswith(SQUARE):
        resize = both_sides(resize)
    return StoredPreprocessing(
        entries.file, processor, resize, both_sides(size_of(entries, "crop_size")), entries.number("crop_pct"),
        interpolation=None if resample is None else RESAMPLINGS[resample],
        rescale_factor=entries.number("rescale_factor"),
        mean=entries.numbers("image_mean"), std=positive(entries, "image_std"), do_resize=entries.flag("do_resize"),
        do_center_crop=entries.flag("do_center_crop"), do_rescale=entries.flag("do_rescale"),
        do_normalize=entries.flag("do_normalize"))


def size_of(entries: Entries, name: str) -> int | tuple[int, int] | None:
    """(height, width), or the shorter side."""
    if not isinstance(entries.values.get(name), dict):
        sides = entries.pair(name)
        return sides if sides is None or isinstance(entries.values[name], list) else sides[0]
    size = entries.part(name)
    height, width, shorter = (size.count(side) for side in ("height", "width", "shortest_edge"))
    if height and width:
        return height, width
    return shorter or None                             # by the longest side or by pixels: not told in these terms


def both_sides(size: int | tuple[int, int] | None) -> tuple[int, int] | None:
    return (size, size) if isinstance(size, int) else size


def positive(entries: Entries, name: str) -> tuple[float, ...] | None:
    """Standard deviations, which are above 0."""
    values = entries.numbers(name)
    if values is not None and min(values) <= 0:
        raise entries.wrong(name, "positive numbers")
    return values


def of_timm(entries: Entries) -> StoredPreprocessing:
    """What timm's config.json says in `pretrained_cfg`, or in older files beside it."""
    told = entries.part("pretrained_cfg") or entries
    size = told.counts("input_size")                   # (channels, height, width)
    if size is not None and (len(size) != 3 or min(size) < 1):
        raise told.wrong("input_size", "channels, height and width")
    interpolation = told.text("interpolation")
    return StoredPreprocessing(
        entries.file, "timm", crop=size and size[1:], crop_pct=told.number("crop_pct"),
        crop_mode=told.text("crop_mode"), interpolation=interpolation or None,
        mean=told.numbers("mean"), std=positive(told, "std"))
