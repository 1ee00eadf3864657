"""The JSON files that a conversion writes beside the weights, where the implementation reads them."""

from dataclasses import dataclass, field, replace

from swin_np.checkpoints.config_files import for_timm, for_transformers
from swin_np.checkpoints.config_files.entries import Entries
from swin_np.checkpoints.config_files.preprocessing import StoredPreprocessing, of_timm, of_transformers
from swin_np.checkpoints.config_files.presets import stored_preset
from swin_np.checkpoints.file_names import CONFIGURATION, PREPROCESSOR
from swin_np.errors import SwinError
from swin_np.functional import pair
from swin_np.language import speaking
from swin_np.preprocessing.presets import Preset
from swin_np.systems.registry import Config

READ_BY = {"transformers": (CONFIGURATION, PREPROCESSOR), "timm": (CONFIGURATION,)}
"""What an implementation reads beside the weights; the others read nothing."""


@dataclass(frozen=True)
class Beside:
    """files: objects by the name of their file. said: a sentence on each thing that they tell or cannot tell."""

    files: dict[str, dict[str, object]] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)


def files_beside(library: str, config: Config, eps: float | None, labels: tuple[str, ...] | None,
                 preprocessing: StoredPreprocessing | None) -> Beside:
    """The files for a library of READ_BY.

    eps: of a Swin's norms in the blocks and the last one, None for the usual one. labels, preprocessing: the
    names of the classes and how images are prepared, by the files beside the source.
    """
    beside, names = Beside(), labels if labels and len(labels) == getattr(config, "num_classes", 0) else None
    preset, reason = None, "no file beside the source says it"
    try:
        preset = None if preprocessing is None else stored_preset(preprocessing)
    except SwinError as error:
        reason = str(error)
    if library == "timm":
        choices = [] if preset is None else [for_timm.configuration(config, names, preset)]
    else:
        choices = [] if preset is None else list(for_transformers.preprocessors(preset))
    content, again = next(((choice, read) for choice in choices if (read := read_back(library, choice))
                           and in_effect(read) == in_effect(preset)), (None, None))
    if library == "timm":
        beside.files[CONFIGURATION] = content or for_timm.configuration(config, names, None)
    else:
        beside.files[CONFIGURATION] = for_transformers.configuration(config, eps, names)
        if content is not None:
            beside.files[PREPROCESSOR] = content
    if content is None:
        if preset is not None:
            with speaking("en"):                       # as all notes
                reason = f"{library} has no files that say {preset.described()}"
        beside.said.append(f"How images are prepared was not written ({reason}): prepare them yourself, or add it to "
                           f"{READ_BY[library][-1]}.")
    elif preset.crop_rounding != again.crop_rounding and pair(preset.crop) != preset.resize:
        beside.said.append("Where an odd number of pixels is cut off an image, the crop is one pixel elsewhere: "
                           f"{library} rounds {again.crop_rounding}, the source {preset.crop_rounding}.")
    if names:
        beside.said.append(f"The names of the {len(names)} classes were carried over.")
    return beside


def read_back(library: str, content: dict[str, object]) -> Preset | None:
    """The preset that a file of this content tells, as `swin-np classify` reads it; None if it tells none."""
    try:
        return stored_preset(of_timm(Entries(CONFIGURATION, content)) if library == "timm"
                             else of_transformers(Entries(PREPROCESSOR, content)))
    except SwinError:
        return None


def in_effect(preset: Preset) -> Preset:
    """The preset without its name, and without the rounding that no file can choose."""
    return replace(preset, name="", crop=pair(preset.crop), crop_rounding="down")
