"""Section 3.2: the attention of any token of any block on the map it belongs to, with roll, windows and padding undone.

Nothing is undone by a formula: a map of token numbers goes the way that `shifted_window_attention` sends its map, so
that each place of each window tells which token stands there.
"""

from dataclasses import dataclass

import numpy as np

from swin_np.arguments.checks import instance, shown
from swin_np.arguments.door import takes
from swin_np.attribution.block_sparse import BlockSparse
from swin_np.baselines.swin_v2 import SwinTransformerV2
from swin_np.baselines.vit import VisionTransformer
from swin_np.block import SwinTransformerBlock
from swin_np.crosscheck.record import trace
from swin_np.errors import ConfigurationError, InputError, ShapeError
from swin_np.functional import Array, Size, pair
from swin_np.layers import Module
from swin_np.model import SwinTransformer
from swin_np.windows import attention_mask, cyclic_shift, window_partition

Attending = SwinTransformer | VisionTransformer        # Swin V2 is a SwinTransformer

OFF_THE_MAP = -1                                       # the number of a padding token


@takes()
def window_tokens(map_size: tuple[int, int], window: Size, shift: Size, pads_before_roll: bool = True) -> Array:
    """The number of the token at each place of each window, counted row by row on the map: (nW, M^2) int, -1 padding.

    A map that is no multiple of the window is padded at the bottom and right, before the roll or after it.

    >>> window_tokens((2, 4), 2, (0, 1)).tolist()
    [[1, 2, 5, 6], [3, 0, 7, 4]]
    """
    (h, w), (m, n), shift = map_size, pair(window), pair(shift)
    numbers = np.arange(h * w).reshape(1, h, w, 1)
    to_multiple = ((0, 0), (0, -h % m), (0, -w % n), (0, 0))
    if pads_before_roll:
        numbers = np.pad(numbers, to_multiple, constant_values=OFF_THE_MAP)
    numbers = cyclic_shift(numbers, shift)
    if not pads_before_roll:
        numbers = np.pad(numbers, to_multiple, constant_values=OFF_THE_MAP)
    return window_partition(numbers, (m, n)).reshape(-1, m * n)


@takes()
def allowed_pairs(map_size: tuple[int, int], window: Size, shift: Size) -> Array:
    """Which pairs of places of each window the mask lets attend, (nW, M^2, M^2) bool; of padding like all others."""
    m, n = pair(window)
    padded = map_size[0] + -map_size[0] % m, map_size[1] + -map_size[1] % n
    mask = attention_mask(padded, (m, n), shift)
    if mask is None:
        return np.ones((padded[0] * padded[1] // (m * n), m * n, m * n), bool)
    return mask == 0


def in_words(name: str) -> str:
    """The official name of a block or patch merging as it is said, counted from 1.

    >>> in_words("layers.0.blocks.1"), in_words("layers.0.downsample"), in_words("blocks.11")
    ('stage 1, block 2', 'merging 1', 'block 12')
    """
    stage, _, block = name.rpartition("blocks.")
    if not block.isdigit():
        return f"merging {int(name.split('.')[1]) + 1}"
    return f"stage {int(stage.split('.')[1]) + 1}, block {int(block) + 1}" if stage else f"block {int(block) + 1}"


def in_force(block: SwinTransformerBlock, map_size: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """The window and shift of a block on a map (h, w)."""
    return block.shape_policy.window_and_shift(map_size, block.window_size, block.shift_size)


@dataclass(frozen=True)
class BlockAttention:
    """What the tokens of a map attend to in one block, for one image.

    name: of the block. probabilities (nW, heads, n, n): for each query of each window a weight for every key, in sum 1.
    tokens (nW, n): which token stands there; -1 is padding. In a ViT the window is the whole sequence and the first
    `prefix` tokens, such as the class token, have no place on the map. allowed (nW, n, n): whether the mask lets the
    pair attend; what goes to others is exp(-100) of the mask, 4e-44. map_size: (h, w). pixels: the height and width of
    a token in the image. shift: the displacement in force.
    """

    name: str
    probabilities: Array
    tokens: Array
    allowed: Array
    map_size: tuple[int, int]
    pixels: tuple[int, int]
    shift: tuple[int, int]
    prefix: int = 0

    @property
    def heads(self) -> int:
        """How many heads there are."""
        return self.probabilities.shape[1]

    @property
    def count(self) -> int:
        """How many tokens there are, those without a place included, padding not."""
        return self.prefix + self.map_size[0] * self.map_size[1]

    def token(self, row: int, column: int) -> int:
        """The number of the token at a place of the map; InputError for a place beyond it."""
        h, w = self.map_size
        if not (0 <= row < h and 0 <= column < w):
            raise InputError(f"the token in row {row}, column {column} is not on the {h}x{w} map of {self.name}: "
                             f"give a row from 0 to {h - 1} and a column from 0 to {w - 1}")
        return self.prefix + row * w + column

    def place(self, pixel: tuple[int, int]) -> tuple[int, int]:
        """Row and column of the token that holds a pixel (row, column) of the image; InputError if there is none."""
        row, column = (place // side for place, side in zip(pixel, self.pixels, strict=True))
        self.token(row, column)
        return row, column

    def of_query(self, row: int, column: int) -> tuple[Array, Array, Array]:
        """The keys of the token at a place: weights (heads, n), numbers (n,), and whether the mask allows them (n,)."""
        window, place = np.argwhere(self.tokens == self.token(row, column))[0]
        return self.probabilities[window, :, place], self.tokens[window], self.allowed[window, place]

    def row(self, row: int, column: int) -> Array:
        """How much the token at a place attends to each token of the map, (heads, h, w); 0 beyond its window."""
        weights, numbers, _ = self.of_query(row, column)
        on_map = np.zeros((self.heads, self.map_size[0] * self.map_size[1]), weights.dtype)
        on_map[:, numbers[numbers >= self.prefix] - self.prefix] = weights[:, numbers >= self.prefix]
        return on_map.reshape(self.heads, *self.map_size)

    def off_the_map(self, row: int, column: int) -> Array:
        """How much it attends to padding and to tokens without a place, (heads,); with its row it sums to 1."""
        weights, numbers, _ = self.of_query(row, column)
        return weights[:, numbers < self.prefix].sum(axis=1)

    def window(self, row: int, column: int) -> Array:
        """Which tokens the one at a place may attend to, its ragged window: (h, w) bool."""
        _, numbers, allowed = self.of_query(row, column)
        inside = np.zeros(self.map_size[0] * self.map_size[1], bool)
        inside[numbers[allowed & (numbers >= self.prefix)] - self.prefix] = True
        return inside.reshape(self.map_size)

    def matrix(self) -> BlockSparse:
        """The mean over the heads as a matrix, queries in rows; what goes to padding is missing in the rows' sums."""
        mean = self.probabilities.mean(axis=1, dtype=np.float64)        # (nW, n, n)
        return BlockSparse(mean, self.tokens, self.tokens, (self.count, self.count))


def check_attends(model: Module) -> None:
    """Raise ConfigurationError for a model without attention on a map."""
    if type(model) not in (SwinTransformer, SwinTransformerV2, VisionTransformer):
        raise ConfigurationError(f"a {type(model).__name__} was given, attention is laid on the map of a Swin "
                                 "Transformer, a Swin V2, a ViT or a DeiT: give one of these, or in Python the "
                                 "`backbone` of a dense model")


def check_number(what: str, number: int, count: int) -> None:
    """Raise InputError unless a stage, block or class of this number, counted from 0, is there."""
    if not isinstance(number, int | np.integer) or not 0 <= number < count:
        raise InputError(f"{what} {shown(number)} was asked for, there are {count}, counted from 0: "
                         f"give one from 0 to {count - 1}")


def single(image: Array) -> Array:
    """The image as a batch of one, (1, 3, H, W); ShapeError for more than one."""
    image = instance("image", image, np.ndarray)
    batch = image[None] if image.ndim == 3 else image
    if batch.ndim != 4 or len(batch) != 1:
        raise ShapeError(f"images of shape {image.shape} were given, expected one image, (3, H, W) or (1, 3, H, W): "
                         "give them one after the other")
    return batch


def attentions(model: Attending, image: Array, pattern: str = "*.attn.probabilities") -> list[list[BlockAttention]]:
    """The attention of every block, for each stage a list; a ViT has one stage.

    image: (3, H, W) or (1, 3, H, W), as the model takes it. pattern: of the names to keep, as `swin_np.trace` has them.
    Raises ConfigurationError for a model without attention on a map, ShapeError for several images, InputError for
    weights that give no number, and what calling the model raises.
    """
    check_attends(model)
    batch = single(image)
    with trace(model, pattern) as found:
        model.feature_maps(batch)                      # all blocks; a detector's backbone has nothing behind them
    if not all(np.isfinite(value).all() for value in found.values()):
        raise InputError("the attention is not finite: the model holds NaN, infinite or huge weights, in a checkpoint "
                         "swin-np inspect says where")
    by_name = {name.removesuffix(".attn.probabilities"): value for name, value in found.items()}
    if isinstance(model, VisionTransformer):
        return [[whole_sequence(model, name, value) for name, value in by_name.items()]]
    sizes, stages = model.config.map_sizes(batch.shape[2:]), []
    pixels = pair(model.config.patch_size)
    for i, stage in enumerate(model.layers):
        blocks = {f"layers.{i}.blocks.{j}": block for j, block in enumerate(stage.blocks)}
        stages.append([in_windows(block, name, by_name[name], sizes[i], pixels) for name, block in blocks.items()
                       if name in by_name])
        pixels = 2 * pixels[0], 2 * pixels[1]          # of a merged token
    return stages


def in_windows(block: SwinTransformerBlock, name: str, probabilities: Array, map_size: tuple[int, int],
               pixels: tuple[int, int]) -> BlockAttention:
    """The attention of a block of a Swin, probabilities (nW, heads, M^2, M^2), on its map (h, w)."""
    window, shift = in_force(block, map_size)
    tokens = window_tokens(map_size, window, shift, block.shape_policy.pads_before_roll)
    return BlockAttention(name, probabilities, tokens, allowed_pairs(map_size, window, shift), map_size, pixels,
                          shift)


def whole_sequence(model: VisionTransformer, name: str, probabilities: Array) -> BlockAttention:
    """The attention of a block of a ViT, probabilities (1, heads, n, n): one window of all tokens."""
    tokens = np.arange(model.config.tokens)[None]
    return BlockAttention(name, probabilities, tokens, np.ones((1, tokens.size, tokens.size), bool), model.config.grid,
                          pair(model.config.patch_size), (0, 0), model.config.prefix_tokens)


def attention_of(model: Attending, image: Array, stage: int, block: int) -> BlockAttention:
    """The attention of one block, stage and block counted from 0; a ViT has one stage.

    Raises InputError for a stage or block that the model does not have, and all that `attentions` raises.
    """
    check_attends(model)
    depths = [len(model.blocks)] if isinstance(model, VisionTransformer) else [*model.config.depths]
    check_number("stage", stage, len(depths))
    check_number("block", block, depths[stage])
    name = f"blocks.{block}" if isinstance(model, VisionTransformer) else f"layers.{stage}.blocks.{block}"
    return attentions(model, image, f"{name}.attn.probabilities")[stage][0]
