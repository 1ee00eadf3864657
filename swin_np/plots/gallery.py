"""Every figure of the folder figures/, made without arguments: on the sample photograph, with seeded random weights.

The first line of a maker's docstring is the text for readers who cannot see the figure.
"""

import inspect
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from swin_np.arguments.names import check_name
from swin_np.attribution import attention_of, follow
from swin_np.baselines.res2net import RES2NET_VARIANTS, Bottle2neck
from swin_np.baselines.resnet import RESNET_VARIANTS, Bottleneck
from swin_np.baselines.swin_v2 import CosineWindowAttention
from swin_np.functional import Array
from swin_np.images import PRESETS, center_crop, load, preprocess, resize, sample_photograph
from swin_np.language import phrase
from swin_np.layers import redraw
from swin_np.model import SwinTransformer
from swin_np.paper_results import METRICS, TABLE_1, TABLE_2, TABLE_3, TABLE_4, TABLE_5
from swin_np.patches import LinearEmbedding
from swin_np.plots.architecture import architecture
from swin_np.plots.attention_on_image import attention_on_image
from swin_np.plots.complexity import complexity_curve, read_attention_times
from swin_np.plots.cyclic_shift import cyclic_shift_frames
from swin_np.plots.depth import error_by_depth, read_layer_errors
from swin_np.plots.evidence import accuracy_by_cost, attention_speed, dense_results, table_of_differences
from swin_np.plots.hierarchy import hierarchy_beside_vit
from swin_np.plots.mask_error import error_without_the_mask
from swin_np.plots.masks import four_kinds_of_mask
from swin_np.plots.partition import window_partition_in_memory
from swin_np.plots.patches import patch_embedding, patch_merging_order
from swin_np.plots.probes import attention_before_and_after_mask
from swin_np.plots.receptive_field import receptive_field_by_block
from swin_np.plots.regions import nine_regions
from swin_np.plots.relative_position import bias_lookup, relative_position_steps
from swin_np.plots.res2net import res2net_ladder
from swin_np.plots.saving import save
from swin_np.plots.sliding import shifted_not_sliding
from swin_np.plots.spread import pixel_through_stages
from swin_np.plots.version_2 import bias_for_larger_window
from swin_np.plots.windows import regular_and_shifted_windows, windows_on_photograph
from swin_np.probes import TASKS, load_probe
from swin_np.variants import VARIANTS, SwinConfig
from swin_np.writing import make_folder

DATA = Path(__file__).parents[1] / "data"


def cropped_photograph() -> Array:
    """The photograph that comes with matplotlib, (224, 224, 3) uint8."""
    return center_crop(resize(load(sample_photograph()), 224), (224, 224))


@lru_cache(maxsize=1)
def four_blocks() -> SwinTransformer:
    """Four blocks on 56x56 tokens of 12 channels, in float64, weights drawn large so that every influence shows."""
    config = SwinConfig(embed_dim=12, depths=(4,), num_heads=(3,), num_classes=0)
    model = SwinTransformer.random(config, dtype=np.float64)
    redraw(model, 0)
    for value in model.state_dict().values():
        value.setflags(write=False)                    # every figure gets the same model
    return model


def hierarchy_on_photograph() -> Figure:
    """The maps of Swin's four stages, 56x56 to 7x7 tokens with windows of 7x7, and ViT's one 14x14 map, on a photo."""
    return hierarchy_beside_vit(cropped_photograph())


def patch_embedding_on_photograph() -> Figure:
    """A photograph, one 4x4 patch of it in red, green and blue, and its 48 numbers times a matrix, 96 features."""
    embedding = LinearEmbedding.random(3, (4, 4), VARIANTS["swin_t"].embed_dim, np.random.default_rng(0))
    return patch_embedding(cropped_photograph(), embedding)


def architecture_of_swin_t() -> Figure:
    """Swin-T from the image to the logits and its first two blocks, step by step, with the shape of every array."""
    model = SwinTransformer.random(VARIANTS["swin_t"], seed=None)       # no weights: shapes do not depend on them
    return architecture(model, preprocess(load(sample_photograph()), PRESETS["microsoft"]))


def windows_on_sample_photograph() -> Figure:
    """Regular windows on a photograph, 8x8, and shifted ones, 9x9, of which the border cuts the outer 32 smaller."""
    return windows_on_photograph(cropped_photograph())


def bias_lookup_of_random_table() -> Figure:
    """A query and a key in a 7x7 window, their entry in the 13x13 bias table, and in the 49x49 matrix of biases."""
    table = np.random.default_rng(0).standard_normal((169, 3))
    return bias_lookup(table)


def receptive_field_of_two_tokens() -> Figure:
    """Where two tokens are seen after one to four blocks: by the masks, as measured, and without the shift."""
    return receptive_field_by_block(four_blocks())


def measured_complexity_curve() -> Figure:
    """Multiply-adds and time of global and of windowed attention over the image's side, for each of four stages."""
    return complexity_curve(VARIANTS["swin_t"], measured=read_attention_times(DATA / "attention_times.json"))


def error_without_the_mask_on_random_map() -> Figure:
    """The difference that leaving out the mask makes: only in the last row and column of windows of the rolled map."""
    x = np.random.default_rng(0).standard_normal((1, 56, 56, 12))
    return error_without_the_mask(x, four_blocks().layers[0].blocks[1].attn)


def measured_error_by_depth() -> Figure:
    """Rounding errors of all layers: about 1e-6 in float32, both in NumPy and in PyTorch, and 1e-15 in float64."""
    return error_by_depth(read_layer_errors(DATA / "error_by_depth.json"))


def res2net_beside_resnet() -> Figure:
    """The bottlenecks of ResNet and ResNeXt, and Res2Net's, whose four splits see from 1 to 7 pixels in one block."""
    resnet, resnext, res2net = (RESNET_VARIANTS["resnet_50"], RESNET_VARIANTS["resnext_50_32x4d"],
                                RES2NET_VARIANTS["res2net_50_26w_4s"])
    channels = resnet.channels(0)                      # of the second block of the first stage; weights are not shown
    return res2net_ladder(Bottleneck.random(resnet, 0, channels, 1, None),
                          Bottleneck.random(resnext, 0, channels, 1, None),
                          Bottle2neck.random(res2net, 0, channels, 1, False, None))


def attention_of_a_corner_query() -> Figure:
    """Trained attention of a mark in a corner: before the mask most goes to other corners, after it all stays near."""
    board = TASKS["flock"].draw(1, np.random.default_rng(41))
    return attention_before_and_after_mask(load_probe("flock"), board, (0, 1), 0)


def accuracy_of_table_1() -> Figure:
    """Accuracy of Swin, DeiT and ViT on ImageNet over multiply-adds and over images a second, from Table 1."""
    return accuracy_by_cost(TABLE_1)


def dense_results_of_tables_2_and_3() -> Figure:
    """Box AP on COCO and mIoU on ADE20K of Swin, DeiT and ResNet, over multiply-adds and over frames a second."""
    return dense_results(TABLE_2, TABLE_3)


def ablations_of_table_4() -> Figure:
    """The ablations of Table 4 in five columns, each number with its difference from the whole Swin-T below it."""
    return table_of_differences(TABLE_4, METRICS, "shift, relative bias", "Table 4")


def attention_speed_of_table_5() -> Figure:
    """Milliseconds of six kinds of attention in four stages, and the images a second of Swin-T with each of them."""
    return attention_speed(TABLE_5)


def bias_of_version_2_for_a_larger_window() -> Figure:
    """The bias of a random network of Swin V2 for windows of 8 and of 16, and a table made larger by interpolation."""
    attn = CosineWindowAttention.random(32, (8, 8), (8, 8), 1, np.random.default_rng(0))
    redraw(attn, 0)                                    # large weights, so that the bias has a shape
    return bias_for_larger_window(attn, 16)


def attention_of_a_red_mark() -> Figure:
    """Trained attention of a red mark in its window, on the image: that of head 1 goes to the blue mark of its pair."""
    board, probe = TASKS["flock"].draw(1, np.random.default_rng(41)), load_probe("flock")
    return attention_on_image(board.photographs()[0], attention_of(probe, board.images[0], 0, 0), (10, 6))


def pixel_through_swin_t() -> Figure:
    """One pixel after every block of Swin-T: 7x7 tokens feel it, then 14x14, in stage 3 all; each block costs alike."""
    model = SwinTransformer.random(VARIANTS["swin_t"], dtype=np.float64)
    batch = preprocess(load(sample_photograph()), PRESETS["microsoft"]).astype(np.float64)
    return pixel_through_stages(follow(model, batch, (100, 118)))


FIGURES: dict[str, Callable[[], Figure]] = {
    "hierarchy.png": hierarchy_on_photograph,
    "patch_embedding.png": patch_embedding_on_photograph,
    "architecture.svg": architecture_of_swin_t,
    "window_partition.svg": window_partition_in_memory,
    "regular_and_shifted_windows.svg": regular_and_shifted_windows,
    "windows_on_photograph.png": windows_on_sample_photograph,
    "cyclic_shift.svg": cyclic_shift_frames,
    "nine_regions.svg": nine_regions,
    "four_kinds_of_mask.svg": four_kinds_of_mask,
    "attention_of_a_corner_query.png": attention_of_a_corner_query,
    "attention_of_a_mark.png": attention_of_a_red_mark,
    "relative_position_index.svg": relative_position_steps,
    "bias_lookup.svg": bias_lookup_of_random_table,
    "receptive_field.png": receptive_field_of_two_tokens,
    "pixel_through_stages.png": pixel_through_swin_t,
    "complexity_curve.svg": measured_complexity_curve,
    "patch_merging.svg": patch_merging_order,
    "error_without_the_mask.svg": error_without_the_mask_on_random_map,
    "error_by_depth.svg": measured_error_by_depth,
    "shifted_not_sliding.svg": shifted_not_sliding,
    "res2net_ladder.svg": res2net_beside_resnet,
    "accuracy_by_cost.svg": accuracy_of_table_1,
    "dense_results.svg": dense_results_of_tables_2_and_3,
    "ablations.svg": ablations_of_table_4,
    "attention_speed.svg": attention_speed_of_table_5,
    "bias_of_version_2.svg": bias_of_version_2_for_a_larger_window,
}
"""Every figure of the folder figures/ by its file name, in the order of the paper."""


def alt_text(name: str) -> str:
    """What there is to see in a figure of FIGURES, in a sentence; ConfigurationError for any other name."""
    check_name("figure", name, FIGURES)
    return inspect.getdoc(FIGURES[name]).splitlines()[0]


def save_all(folder: str | Path, progress: Callable[[str], None]) -> list[Path]:
    """Make every figure of FIGURES and write it into `folder`; `progress` is called with one line after each.

    The folder is made where there is none. Returns the paths of the files. Raises InputError where a file cannot be
    written.
    """
    make_folder(folder)
    paths = [Path(folder) / name for name in FIGURES]
    for number, (path, make) in enumerate(zip(paths, FIGURES.values(), strict=True), start=1):
        save(make(), path)
        progress(phrase("{number} of {all}: {file}, {kilobytes:.0f} kB", number=number, all=len(FIGURES), file=path,
                        kilobytes=path.stat().st_size / 1000))
    return paths
