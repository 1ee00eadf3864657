"""Where each section, equation and figure of the paper is: in which files of the library and in which notebooks."""

from collections.abc import Iterable
from dataclasses import dataclass
from os.path import relpath
from pathlib import Path

NOTEBOOKS = (
    "00_start_here", "01_transformer_and_vit", "02_patches_and_hierarchy", "03_window_attention", "04_shifted_windows",
    "05_cyclic_shift_and_masks", "06_complexity", "07_what_the_shift_and_the_bias_are_for", "08_the_whole_model",
    "09_resnet_resnext_res2net", "10_dense_prediction", "11_cross_check_your_port", "12_the_evidence",
)
"""The walkthrough, in the order of the paper."""


@dataclass(frozen=True)
class Place:
    """One part of the paper and its place here.

    section: its number, and what the part is about. shows: the equations and figures in it.
    files: paths in the repository. notebooks, exercises: names of files in notebooks/ and notebooks/exercises/.
    """

    section: str
    subject: str
    shows: tuple[str, ...]
    files: tuple[str, ...]
    notebooks: tuple[str, ...]
    exercises: tuple[str, ...] = ()


PAPER_MAP = (
    Place("1", "introduction: a hierarchy of maps, windows, the shift", ("Fig. 1", "Fig. 2"),
          ("swin_np/model.py", "swin_np/windows.py", "swin_np/plots/hierarchy.py"),
          ("00_start_here", "01_transformer_and_vit", "02_patches_and_hierarchy")),
    Place("2", "related work: convolutional networks, attention, ViT", (),
          ("swin_np/baselines/resnet.py", "swin_np/baselines/res2net.py", "swin_np/baselines/transformer.py",
           "swin_np/baselines/vit.py"),
          ("01_transformer_and_vit", "09_resnet_resnext_res2net"),
          ("01_attention", "07_model", "09_vit_and_swin_v2")),
    Place("3.1", "overall architecture: patches, stages, patch merging", ("Fig. 3",),
          ("swin_np/patches.py", "swin_np/model.py"), ("02_patches_and_hierarchy", "08_the_whole_model"),
          ("02_patches", "07_model")),
    Place("3.2", "self-attention in windows, and what it costs", ("Eq. 1", "Eq. 2"),
          ("swin_np/attention.py", "swin_np/complexity.py"), ("03_window_attention", "06_complexity"),
          ("03_windows", "06_complexity")),
    Place("3.2", "shifted windows in successive blocks", ("Eq. 3", "Fig. 2"),
          ("swin_np/block.py", "swin_np/ragged.py"), ("04_shifted_windows",), ("05_blocks", "10_predictions")),
    Place("3.2", "efficient computation: cyclic shift and masks", ("Fig. 4",),
          ("swin_np/windows.py", "swin_np/attention.py"), ("05_cyclic_shift_and_masks",),
          ("04_shifted_windows", "08_find_the_bug")),
    Place("3.2", "relative position bias", ("Eq. 4",),
          ("swin_np/attention.py",), ("03_window_attention", "07_what_the_shift_and_the_bias_are_for"),
          ("03_windows",)),
    Place("3.3", "variants T, S, B, L", (), ("swin_np/variants.py",), ("08_the_whole_model",)),
    Place("4.1", "classification: parameters and multiply-adds of Table 1", (),
          ("swin_np/complexity.py", "swin_np/paper_results.py", "swin_np/images.py",
           "swin_np/checkpoints/loading.py"),
          ("08_the_whole_model", "11_cross_check_your_port", "12_the_evidence")),
    Place("4.2", "detection on COCO: the maps that a detector takes", (),
          ("swin_np/dense/fpn.py", "swin_np/dense/pyramid.py", "swin_np/paper_results.py"),
          ("10_dense_prediction", "12_the_evidence")),
    Place("4.3", "segmentation on ADE20K: the same maps", (),
          ("swin_np/dense/upernet.py", "swin_np/dense/unet.py", "swin_np/dense/segmentation.py"),
          ("10_dense_prediction", "12_the_evidence")),
    Place("4.4", "ablations: the shift, the bias, sliding windows", (),
          ("swin_np/baselines/sliding_window.py", "swin_np/baselines/padded_windows.py", "swin_np/paper_results.py"),
          ("04_shifted_windows", "07_what_the_shift_and_the_bias_are_for", "12_the_evidence")),
    Place("A", "detailed architectures and settings", (), ("swin_np/variants.py", "swin_np/shape_policy.py"),
          ("08_the_whole_model", "12_the_evidence")),
    Place("A3", "Swin-Mixer", (), ("swin_np/baselines/swin_mixer.py",), ("08_the_whole_model",)),
)


def existing(names: Iterable[str], folder: Path) -> list[Path]:
    """The notebooks of these names that are in the folder."""
    return [path for name in names if (path := folder / f"{name}.ipynb").is_file()]


def links(paths: Iterable[Path], folder: Path) -> str:
    """Markdown links to files, for a document in `folder`."""
    return ", ".join(f"[{name(path)}]({Path(relpath(path, folder)).as_posix()})" for path in paths)


def name(path: Path) -> str:
    """What a file is called in a table: notebooks by words, so that a narrow column can break them."""
    return path.stem.replace("_", " ") if path.suffix == ".ipynb" else path.name


def paper_map_table(folder: Path) -> str:
    """The map as a Markdown table, for a document in `folder`, where the notebooks are; it links to all that exist."""
    lines = ["| Section | What | Equations, figures | Files | Notebooks and exercises |", "|---|---|---|---|---|"]
    for place in PAPER_MAP:
        files = links((folder.parent / file for file in place.files), folder)
        notebooks = existing(place.notebooks, folder) + existing(place.exercises, folder / "exercises")
        shows = ", ".join(place.shows)
        lines.append(f"| {place.section} | {place.subject} | {shows} | {files} | {links(notebooks, folder)} |")
    return "\n".join(lines)
