"""The pictures of the talk on Swin: the library's, or made of what it draws."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from notebooks.talk.panels import enlarged, panels
from swin_np.attention import WindowAttention, relative_position_index, shifted_window_attention
from swin_np.crosscheck.record import trace
from swin_np.functional import Array
from swin_np.images import PRESETS, load, preprocess, sample_photograph
from swin_np.layers import redraw
from swin_np.model import SwinTransformer
from swin_np.plots import gallery, sliding
from swin_np.plots.architecture import draw_chain, model_chain, traced_shapes
from swin_np.plots.cells import HEAT, draw_cells, heat_colours
from swin_np.plots.cyclic_shift import draw_moment, frames
from swin_np.plots.hierarchy import VIT_PATCH, draw_map
from swin_np.plots.language_and_vision import ENTITIES, tokens_by_patch_size
from swin_np.plots.masks import draw_mask, kinds_of_mask, masked_fraction
from swin_np.plots.receptive_field import colour_reaches, extent, reach
from swin_np.plots.style import BLACK, ORANGE, WHITE, draw_frame
from swin_np.plots.windows import draw_partition, draw_windows
from swin_np.variants import VARIANTS
from swin_np.windows import cyclic_shift

MAP, WINDOW, SHIFT = (8, 8), (4, 4), (2, 2)            # the worked example of the notebooks
SWIN_T = VARIANTS["swin_t"]
REAL_MAP, REAL_WINDOW, REAL_SHIFT = SWIN_T.map_sizes()[0], SWIN_T.window(0), (3, 3)


def windows_on_photograph(shift: tuple[int, int]) -> Figure:
    """The windows of stage 1 on the photograph."""
    def draw(axes: Iterator[Axes]) -> None:
        panel = next(axes)
        draw_windows(panel, gallery.cropped_photograph(), SWIN_T, shift)
        panel.set(xticks=[], yticks=[], xlabel="")
    return panels(5.4, 5.4, 1, 1, draw)


def things_on_photograph() -> Figure:
    """The photograph with things to be seen in frames, called by their names."""
    def draw(axes: Iterator[Axes]) -> None:
        panel = next(axes)
        panel.imshow(gallery.cropped_photograph(), extent=(0, 224, 224, 0), interpolation="nearest")
        for name, (left, top, width, height) in ENTITIES.items():
            draw_frame(panel, (left, top), width, height, ORANGE)
            panel.text(left + width / 2, max(top - 3, 9), name, ha="center", va="bottom", weight="bold", color=BLACK,
                       zorder=4, bbox={"facecolor": WHITE, "pad": 1, "linewidth": 0})
        panel.set(xticks=[], yticks=[])
    return panels(5.4, 5.4, 1, 1.5, draw)


def maps_of_swin() -> Figure:
    """The four maps of Swin and their windows."""
    def draw(axes: Iterator[Axes]) -> None:
        for stage, map_size in enumerate(SWIN_T.map_sizes()):
            panel = next(axes)
            draw_map(panel, gallery.cropped_photograph(), map_size, SWIN_T.window(stage))
            panel.set(title=f"stage {stage + 1}", xlabel=f"{map_size[0]} x {map_size[1]} tokens\n"
                                                         f"of {224 // map_size[0]} x {224 // map_size[1]} pixels")
    return panels(11.6, 3.9, 4, 1.75, draw)


def first_map() -> Figure:
    """The map of stage 1 with its windows."""
    def draw(axes: Iterator[Axes]) -> None:
        panel = next(axes)
        draw_map(panel, gallery.cropped_photograph(), REAL_MAP, REAL_WINDOW)
        panel.set(xlabel=f"{REAL_MAP[0]} x {REAL_MAP[1]} tokens\nof 4 x 4 pixels")
    return panels(3.4, 4.0, 1, 1.9, draw)


def rolled_photograph() -> Figure:
    """The photograph rolled as its tokens are, and the regular windows on it."""
    def draw(axes: Iterator[Axes]) -> None:
        panel, (p, q) = next(axes), SWIN_T.patch_size
        pixels = cyclic_shift(gallery.cropped_photograph()[None], (REAL_SHIFT[0] * p, REAL_SHIFT[1] * q))[0]
        draw_windows(panel, pixels, SWIN_T, (0, 0))
        panel.set(xticks=[], yticks=[], xlabel="")
    return panels(5.4, 5.4, 1, 1, draw)


def numbered_map() -> Figure:
    """The tokens of the worked example, numbered row by row."""
    def draw(axes: Iterator[Axes]) -> None:
        panel = next(axes)
        draw_cells(panel, np.ones((*MAP, 3)), np.arange(MAP[0] * MAP[1]).reshape(MAP))
        panel.set(xticks=[], yticks=[])
    return panels(5.2, 5.2, 1, 2.0, draw)


def three_neighbours() -> Figure:
    """The three neighbouring queries of `shifted_not_sliding` on their map."""
    def draw(axes: Iterator[Axes]) -> None:
        panel, letters = next(axes), np.full(sliding.MAP, "", "<U1")
        for letter, (row, column, _) in sliding.QUERIES.items():
            letters[row, column] = letter
        draw_cells(panel, np.ones((*sliding.MAP, 3)), letters)
        panel.set(xticks=[], yticks=[])
    return panels(5.2, 5.2, 1, 2.6, draw)


def attention_layer() -> tuple[Array, WindowAttention]:
    """A random map of 14 x 14 tokens, in float64, and a random layer for it with biases that can be seen."""
    rng = np.random.default_rng(0)
    attn = WindowAttention.random(12, 7, 3, rng).astype(np.float64)
    redraw(attn, 0)
    return rng.standard_normal((1, 14, 14, 12)), attn


def terms_of_equation_4() -> Figure:
    """Scores, bias and weights of one head in one window, 49 queries by 49 keys."""
    def draw(axes: Iterator[Axes]) -> None:
        x, attn = attention_layer()
        with trace(attn) as steps:
            shifted_window_attention(x, attn, 7, 0)
        for name, title in (("scores", "scores"), ("scores_with_bias", "scores + B"),
                            ("probabilities", "SoftMax of each row")):
            panel = next(axes)
            panel.imshow(steps[name][0, 0], cmap=HEAT, interpolation="nearest")
            panel.set(title=title, xlabel="key", xticks=[0, 48], yticks=[0, 48])
    return panels(11.6, 4.2, 3, 1.8, draw)


def map_of_vit() -> Figure:
    """ViT's one map, which is one window."""
    def draw(axes: Iterator[Axes]) -> None:
        panel, side = next(axes), 224 // VIT_PATCH
        draw_map(panel, gallery.cropped_photograph(), (side, side), (side, side))
        panel.set(xlabel=f"{side} x {side} tokens\nof {VIT_PATCH} x {VIT_PATCH} pixels")
    return panels(3.4, 4.0, 1, 1.9, draw)


def chain_of_swin_t() -> Figure:
    """Swin-T from the image to the logits, with the shape on every arrow."""
    def draw(axes: Iterator[Axes]) -> None:
        model = SwinTransformer.random(SWIN_T, seed=None)
        shapes = traced_shapes(model, preprocess(load(sample_photograph()), PRESETS["microsoft"]))
        draw_chain(next(axes), "", model_chain(model), shapes["images"], shapes)
    return panels(5.6, 5.6, 1, 1.6, draw)


def partition(shift: tuple[int, int]) -> Figure:
    """The windows of the worked example, numbered."""
    def draw(axes: Iterator[Axes]) -> None:
        panel = next(axes)
        draw_partition(panel, MAP, WINDOW, shift)
        panel.set(xlabel="", ylabel="", xticks=[], yticks=[])
    return panels(5.2, 5.2, 1, 2.2, draw)


def moment(number: int) -> Figure:
    """One of the six moments of Fig. 4, counted from 1."""
    def draw(axes: Iterator[Axes]) -> None:
        draw_moment(next(axes), frames(MAP, WINDOW, SHIFT)[number - 1], WINDOW)
    return panels(5.6, 5.2, 1, 1.9, draw)


def partition_in_memory() -> Figure:
    """Window partition in memory; what its colours mean is said."""
    figure = gallery.window_partition_in_memory()
    figure.supxlabel("")
    return enlarged(figure, 11.6, 4.6, 1.25)


def regions() -> Figure:
    """How many regions meet in each window of the worked example."""
    return enlarged(gallery.nine_regions(MAP, WINDOW, SHIFT), 11.6, 4.4, 1.6)


def masks() -> Figure:
    """The four kinds of mask of Swin-T's first stage."""
    def draw(axes: Iterator[Axes]) -> None:
        for name, mask in kinds_of_mask(REAL_MAP, REAL_WINDOW, REAL_SHIFT).items():
            panel = next(axes)
            draw_mask(panel, mask, REAL_WINDOW, 8)
            panel.set(title=f"{name}:\n{100 * masked_fraction(mask):.0f} % masked", xticks=[0, 48], yticks=[0, 48])
    return panels(11.6, 3.9, 4, 1.75, draw)


def reach_of_tokens(shifted: bool) -> Figure:
    """Where a token in the middle and one in the corner are seen after each of four blocks."""
    def draw(axes: Iterator[Axes]) -> None:
        shifts = [REAL_SHIFT if shifted and block % 2 else (0, 0) for block in range(4)]
        middle, corner = (reach(REAL_MAP, REAL_WINDOW, shifts, source) for source in ((31, 31), (0, 0)))
        for block, seen in enumerate(zip(middle, corner, strict=True), start=1):
            panel = next(axes)
            panel.imshow(colour_reaches(list(seen)), interpolation="nearest")
            panel.set(title=f"block {block}", xticks=[], yticks=[],
                      xlabel="{} x {}".format(*extent(seen[0])))
    return panels(11.6, 2.8, 4, 1.7, draw)


def reach_of_one_block() -> Figure:
    """Where both tokens are seen after one block."""
    def draw(axes: Iterator[Axes]) -> None:
        panel = next(axes)
        seen = [reach(REAL_MAP, REAL_WINDOW, [(0, 0)], source)[0] for source in ((31, 31), (0, 0))]
        panel.imshow(colour_reaches(seen), interpolation="nearest")
        panel.set(title="block 1", xticks=[], yticks=[])
    return panels(4.6, 4.8, 1, 1.8, draw)


def index_of_two() -> Figure:
    """A window of 2 x 2: its tokens, the index of every pair, the table that the index points into."""
    def draw(axes: Iterator[Axes]) -> None:
        tokens, index, table = next(axes), next(axes), next(axes)
        draw_cells(tokens, np.ones((2, 2, 3)), np.arange(4).reshape(2, 2))
        tokens.set(title="window, M = 2:\ntokens", xticks=[], yticks=[])
        numbers = relative_position_index(2)
        draw_cells(index, heat_colours(numbers), numbers)
        index.set(title="row of the table\nfor each pair", xlabel="key", ylabel="query")
        rows = np.arange(9).reshape(3, 3)
        draw_cells(table, heat_colours(rows), rows)
        table.set(title="table of one head:\n9 displacements", xlabel="columns", ylabel="rows",
                  xticklabels=(-1, 0, 1), yticklabels=(-1, 0, 1))
    return panels(11.6, 4.6, 3, 1.7, draw)


PICTURES: dict[str, Callable[[], Figure]] = {
    "regular windows on a photograph": partial(windows_on_photograph, (0, 0)),
    "shifted windows on a photograph": partial(windows_on_photograph, REAL_SHIFT),
    "things on a photograph": things_on_photograph,
    "tokens by patch size": lambda: enlarged(tokens_by_patch_size(gallery.cropped_photograph()), 11.6, 4.0, 1.6),
    "maps of swin": maps_of_swin,
    "map of vit": map_of_vit,
    "first map": first_map,
    "numbered map": numbered_map,
    "rolled photograph": rolled_photograph,
    "three neighbours": three_neighbours,
    "terms of equation 4": terms_of_equation_4,
    "reach of one block": reach_of_one_block,
    "chain of swin-t": chain_of_swin_t,
    "patch embedding": lambda: enlarged(gallery.patch_embedding_on_photograph(), 11.6, 5.2, 1.4),
    "patch merging": lambda: enlarged(gallery.patch_merging_order(), 11.6, 4.4, 1.6),
    "partition in memory": partition_in_memory,
    "index of two": index_of_two,
    "reach of regular windows": partial(reach_of_tokens, False),
    "reach of shifted windows": partial(reach_of_tokens, True),
    "regular partition": partial(partition, (0, 0)),
    "shifted partition": partial(partition, SHIFT),
    "shifted, not sliding": lambda: enlarged(gallery.shifted_not_sliding(), 11.6, 5.4, 1.5),
    **{f"moment {number}": partial(moment, number) for number in range(1, 5)},
    "regions": regions,
    "masks": masks,
    "error without the mask": lambda: enlarged(gallery.error_without_the_mask_on_random_map(), 11.6, 4.4, 1.5),
    "accuracy by cost": lambda: enlarged(gallery.accuracy_of_table_1(), 11.6, 4.9, 1.5),
    "complexity": lambda: enlarged(gallery.measured_complexity_curve(), 11.6, 5.5, 1.4),
}
"""The pictures of the talk on Swin, by the name that the texts call them by."""
