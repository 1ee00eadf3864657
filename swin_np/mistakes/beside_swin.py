"""What goes wrong in the exercises on other systems: ViT's attention and positions, Swin V2, Swin-Unet, Fig. 4 read."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from swin_np.baselines.swin_v2 import LARGEST_LOGIT_SCALE, log_spaced_coordinates
from swin_np.checkpoints.resizing import resample
from swin_np.functional import Array, Size, linear, pair
from swin_np.layers import Module
from swin_np.mistakes.mistake import NOWHERE, mistake
from swin_np.mistakes.vision_transformer import APPENDIX, EQ_2, FORWARD, RESAMPLE, RESIZE, RESIZING

CLASS_ATTENTION = "swin_np.exercises.vit_and_swin_v2.of_the_class_token"
TEMPERATURE = "swin_np.baselines.swin_v2.inverse_temperature"
UP = "swin_np.dense.unet.up_convolution"
READING = "swin_np.exercises.shifted_windows"
FIG_4 = "section 3.2, Fig. 4"
COORDINATES = "swin_np.baselines.swin_v2.log_spaced_coordinates"
V2_EQ_4 = "section 3.3 of the Swin V2 paper, Eq. 4"
V2_EQ_2 = "section 3.2 of the Swin V2 paper, Eq. 2"
EXPANDING = "section 3.5 of the Swin-Unet paper"

RIGHT_RESAMPLE, RIGHT_COORDINATES = partial(resample), partial(log_spaced_coordinates)     # which planting leaves be


@mistake("swin_np.layers.LayerNorm.forward", place="section 3.1 of the ViT paper, Eq. 2", modules=NOWHERE,
         says="The layer norm is left out.",
         fix="Apply the norm, with its weight and bias, where the equation has LN.")
def norm_left_out(self: Module, x: Array) -> Array:
    return x


@mistake(FORWARD, place=EQ_2, modules=NOWHERE,
         says="The block's input is not added to the attention's result.",
         fix="Add x, as it was before the norm, to the result of proj.")
def residual_left_out(self: Module, x: Array) -> Array:
    x = self.attn(self.norm1(x))
    return x + self.mlp(self.norm2(x))


@mistake(CLASS_ATTENTION, place=APPENDIX, modules=NOWHERE,
         says="The map shows how much each patch attends to the class token: a column of the attention for a row.",
         fix="Take the row of query 0: its weights are those that the class token gives to all others.")
def attention_to_the_class_token(probabilities: Array, grid: tuple[int, int]) -> Array:
    return probabilities[:, :, 1:, 0].reshape(*probabilities.shape[:2], *grid)


@mistake(CLASS_ATTENTION, place=APPENDIX, modules=NOWHERE,
         says="The map begins with the weight of the class token itself and lacks the last patch, so each weight is "
              "one place too far.",
         fix="Leave key 0 out: patch i is token 1 + i.")
def class_token_among_the_patches(probabilities: Array, grid: tuple[int, int]) -> Array:
    return probabilities[:, :, 0, :-1].reshape(*probabilities.shape[:2], *grid)


@mistake(CLASS_ATTENTION, place=APPENDIX, modules=NOWHERE,
         says="The patches' weights are folded down the columns, so the map is read with rows and columns exchanged.",
         fix="Reshape to (h, w): the patches are counted row by row.")
def attention_on_width_and_height(probabilities: Array, grid: tuple[int, int]) -> Array:
    return probabilities[:, :, 0, 1:].reshape(*probabilities.shape[:2], *grid[::-1]).swapaxes(2, 3)


def resized_by(weights: Callable[[int, int], Array], maps: Array, old: Size, new: Size) -> Array:
    """Rows that are the positions of a map, resized by a matrix weights(old, new) for each axis."""
    (h, w), (m, n) = pair(old), pair(new)
    result = np.einsum("ih,jw,hwc->ijc", weights(h, m), weights(w, n), maps.reshape(h, w, -1).astype(np.float64))
    return result.reshape(m * n, -1).astype(maps.dtype)


def cubic(distance: Array, a: float) -> Array:
    """The kernel of cubic convolution."""
    d = np.abs(distance)
    near, far = (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1, a * (d ** 3 - 5 * d ** 2 + 8 * d - 4)
    return np.where(d <= 1, near, np.where(d < 2, far, 0))


def places(old: int, new: int) -> Array:
    """Where the new positions lie among the old ones."""
    return (np.arange(new) + 0.5) * old / new - 0.5


def cubic_weights(at: Array, old: int, a: float) -> Array:
    """Weights (new, old) of positions `at`, with the edges repeated."""
    beyond = np.arange(-3, old + 3)
    weights = np.zeros((len(at), old))
    for number, inside in enumerate(np.clip(beyond, 0, old - 1)):
        weights[:, inside] += cubic(at - beyond[number], a)
    return weights


@mistake(RESAMPLE, place=RESIZING, modules=NOWHERE,
         says="Each new position takes the nearest old one.",
         fix="Weigh four neighbours along each axis with the cubic kernel.")
def positions_resized_by_the_nearest(maps: Array, old: Size, new: Size, method: str) -> Array:
    return resized_by(lambda old, new: np.eye(old)[np.arange(new) * old // new], maps, old, new)


@mistake(RESAMPLE, place=RESIZING, modules=NOWHERE,
         says="The cubic kernel has a = -0.5, as Pillow has it, in place of PyTorch's -0.75.",
         fix="Let a be -0.75.")
def cubic_kernel_of_a_half(maps: Array, old: Size, new: Size, method: str) -> Array:
    return resized_by(lambda old, new: cubic_weights(places(old, new), old, -0.5), maps, old, new)


@mistake(RESAMPLE, place=RESIZING, modules=NOWHERE,
         says="Neighbours beyond the border are left out, so the weights of positions near it do not sum to 1.",
         fix="Repeat the edge: let a neighbour beyond the border be the one at the border.")
def cubic_kernel_cut_off_at_the_border(maps: Array, old: Size, new: Size, method: str) -> Array:
    return resized_by(lambda old, new: cubic(places(old, new)[:, None] - np.arange(old), -0.75), maps, old, new)


@mistake(RESAMPLE, place=RESIZING, modules=NOWHERE,
         says="New position i lies at i h / h', so the corners at the top left are aligned instead of the patches' "
              "areas.",
         fix="Let the middle of new patch i lie at (i + 0.5) h / h' - 0.5.")
def positions_resized_from_the_corner(maps: Array, old: Size, new: Size, method: str) -> Array:
    return resized_by(lambda old, new: cubic_weights(np.arange(new) * old / new, old, -0.75), maps, old, new)


@mistake(RESAMPLE, place=RESIZING, modules=NOWHERE,
         says="The corners of both maps are aligned (align_corners=True), so only they keep their place.",
         fix="Let the middle of new patch i lie at (i + 0.5) h / h' - 0.5.")
def corners_aligned_bicubically(maps: Array, old: Size, new: Size, method: str) -> Array:
    return resized_by(lambda old, new: cubic_weights(np.arange(new) * (old - 1) / max(new - 1, 1), old, -0.75), maps,
                      old, new)


@mistake(RESAMPLE, place=RESIZING, modules=NOWHERE,
         says="At the border, where several neighbours are the same, the weight of one is written over that of the "
              "other.",
         fix="Add the weights of neighbours that are the same: += in place of =.")
def border_weights_written_over(maps: Array, old: Size, new: Size, method: str) -> Array:
    def weights(old: int, new: int) -> Array:
        at, found = places(old, new), np.zeros((new, old))
        for step in (-1, 0, 1, 2):
            neighbour = np.floor(at).astype(int) + step
            found[np.arange(new), np.clip(neighbour, 0, old - 1)] = cubic(at - neighbour, -0.75)
        return found

    return resized_by(weights, maps, old, new)


@mistake(RESIZE, place=RESIZING, modules=NOWHERE,
         says="The class token's position is put behind those of the patches.",
         fix="Concatenate the class token's position first, then the resized ones.")
def class_token_s_position_put_last(pos_embed: Array, old_grid: Size, new_grid: Size) -> Array:
    patches = RIGHT_RESAMPLE(pos_embed[0, 1:], pair(old_grid), pair(new_grid), "bicubic")
    return np.concatenate([patches[None], pos_embed[:, :1]], axis=1)


@mistake(RESIZE, place=RESIZING, modules=NOWHERE,
         says="The last row is kept as the class token's and the map is made of the rows before it.",
         fix="Keep row 0, which is the class token's, and resize the map of the rows 1 to h w.")
def class_token_s_position_last(pos_embed: Array, old_grid: Size, new_grid: Size) -> Array:
    patches = RIGHT_RESAMPLE(pos_embed[0, :-1], pair(old_grid), pair(new_grid), "bicubic")
    return np.concatenate([patches[None], pos_embed[:, -1:]], axis=1)


@mistake(TEMPERATURE, place=V2_EQ_2, modules=NOWHERE,
         says="The limit, a logarithm, is applied to the scale behind the exponential, so no scale is above 4.6.",
         fix="Take the minimum of logit_scale and the limit first, then the exponential.")
def exponential_before_the_limit(logit_scale: Array) -> Array:
    return np.minimum(np.exp(logit_scale), LARGEST_LOGIT_SCALE)


@mistake(TEMPERATURE, place=V2_EQ_2, modules=NOWHERE,
         says="The limit is log(100) in float64; the official code, and `largest`, have it in float32, which shows in "
              "the seventh digit.",
         fix="Take `largest`, as it is given, for the limit.")
def limit_in_more_digits(logit_scale: Array) -> Array:
    return np.exp(np.minimum(logit_scale, math.log(100)))


@mistake(TEMPERATURE, place=V2_EQ_2, modules=NOWHERE,
         says="The cosines are multiplied by tau instead of divided by it.",
         fix="Multiply by exp(logit_scale): the parameter is the logarithm of 1 / tau.")
def tau_for_its_inverse(logit_scale: Array) -> Array:
    return np.exp(-np.minimum(logit_scale, LARGEST_LOGIT_SCALE))


@mistake(COORDINATES, place=V2_EQ_4, modules=NOWHERE,
         says="Each displacement has its two coordinates in the opposite order, right before down.",
         fix="Stack down first, then right: the first column of fc1's weight is for rows.")
def coordinates_right_before_down(window: Size, pretrained_window: Size, dtype: type = np.float32) -> Array:
    return RIGHT_COORDINATES(window, pretrained_window, dtype)[..., ::-1]


@mistake(COORDINATES, place=V2_EQ_4, modules=NOWHERE,
         says="The displacements are counted down the columns, as np.meshgrid does it by default, but the index counts "
              "them row by row.",
         fix='Give np.meshgrid indexing="ij".')
def coordinates_down_the_columns(window: Size, pretrained_window: Size, dtype: type = np.float32) -> Array:
    return RIGHT_COORDINATES(window, pretrained_window, dtype).swapaxes(0, 1)


@mistake("swin_np.baselines.swin_v2.unit_length", place=V2_EQ_2, modules=NOWHERE,
         says="A query or key of zeros is divided by its length, 0, which gives no number.",
         fix="Divide by the length, or by 1e-12 where that is more.")
def zeros_of_length_zero(x: Array) -> Array:
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


@mistake("swin_np.baselines.res2net.Bottle2neck.branch", place="section 3.1 of the Res2Net paper, Fig. 2",
         modules=NOWHERE,
         says="The activation behind the first 1x1 convolution is left out.",
         fix="Apply ReLU to what conv1 gives, before it is cut into splits.")
def relu_behind_conv1_left_out(self: Module, x: Array) -> Array:
    return self.bn3(self.conv3(self.multi_scale(self.bn1(self.conv1(x)))))


def four_pixels(x: Array, weight: Array) -> Array:
    """What becomes of each token before it is spread, (B, h, w, 2, 2, out)."""
    c, outputs = weight.shape[:2]
    return linear(x, weight.transpose(2, 3, 1, 0).reshape(4 * outputs, c)).reshape(*x.shape[:3], 2, 2, outputs)


def spread(x: Array, axes: tuple[int, ...], bias: Array) -> Array:
    """Six axes, the first three (B, h, w), brought into another order and made a map of twice the size."""
    b, h, w = x.shape[:3]
    return x.transpose(axes).reshape(b, 2 * h, 2 * w, len(bias)) + bias


@mistake(UP, place=EXPANDING, modules=NOWHERE,
         says="The four tokens are put down the columns first, which is the order of patch merging; expanding has "
              "them row by row.",
         fix="Put the four quarters of the channels to (row, column) = (0, 0), (0, 1), (1, 0), (1, 1).")
def expanded_in_the_order_of_merging(x: Array, weight: Array, bias: Array) -> Array:
    return spread(four_pixels(x, weight), (0, 1, 4, 2, 3, 5), bias)


@mistake(UP, place=EXPANDING, modules=NOWHERE,
         says="The channels are cut as pixel shuffle does it: four in a row for the four tokens, channel by channel.",
         fix="Cut the 2C channels into four runs of C/2: reshape to (2, 2, C/2), not to (C/2, 2, 2).")
def expanded_by_pixel_shuffle(x: Array, weight: Array, bias: Array) -> Array:
    y = four_pixels(x, weight)
    return spread(y.reshape(*x.shape[:3], -1, 2, 2), (0, 1, 4, 2, 5, 3), bias)


@mistake(UP, place=EXPANDING, modules=NOWHERE,
         says="The 2C channels are reshaped into a larger map without the transpose, so the four tokens of a group "
              "stand in a row.",
         fix="Bring the axes into the order (B, H, row, W, column, C/2), and only then reshape.")
def expanded_without_transpose(x: Array, weight: Array, bias: Array) -> Array:
    return spread(four_pixels(x, weight), (0, 1, 2, 3, 4, 5), bias)


@mistake(UP, place=EXPANDING, modules=NOWHERE,
         says="The four quarters of the channels become the four quadrants of the map instead of the four tokens of "
              "each group.",
         fix="Let row and column within the group vary faster than those of the group: (B, H, row, W, column, C/2).")
def expanded_into_quadrants(x: Array, weight: Array, bias: Array) -> Array:
    return spread(four_pixels(x, weight), (0, 3, 1, 4, 2, 5), bias)


@mistake(f"{READING}.row_of_the_query", place=FIG_4, modules=NOWHERE,
         says="The map shows how much all others attend to this token: a column of the attention for a row.",
         fix="Take the row of the query: attention[window, token].")
def column_of_the_attention(attention: Array, number: int, token: int) -> Array:
    return attention[number, :, token]


@mistake(f"{READING}.row_of_the_query", place=FIG_4, modules=NOWHERE,
         says="The weights are folded back to the window down the columns, so it comes out transposed.",
         fix="Reshape the M^2 weights to (M, M): the tokens of a window are counted row by row.")
def keys_of_the_attention_down_the_columns(attention: Array, number: int, token: int) -> Array:
    m = math.isqrt(attention.shape[-1])
    return attention[number, token].reshape(m, m).T.ravel()


@mistake(f"{READING}.counted", place=FIG_4, modules=NOWHERE,
         says="The windows of the attention are counted down the columns.",
         fix="Count them row by row: the window's row times the windows in a row, plus its column.")
def windows_of_the_attention_down_the_columns(row: int, column: int, map_size: tuple[int, int],
                                              window: int) -> tuple[int, int]:
    return column // window * (map_size[0] // window) + row // window, row % window * window + column % window


@mistake(f"{READING}.counted", place=FIG_4, modules=NOWHERE,
         says="The token's number in its window is counted down the columns.",
         fix="Count the tokens of a window row by row: the row in the window times M, plus the column in it.")
def queries_of_the_attention_down_the_columns(row: int, column: int, map_size: tuple[int, int],
                                              window: int) -> tuple[int, int]:
    return row // window * (map_size[1] // window) + column // window, column % window * window + row % window


@mistake(f"{READING}.place_on_the_rolled_map", place=FIG_4, modules=NOWHERE,
         says="The token is looked for where it lies on the image, although the windows were cut from the rolled map.",
         fix="Find its place on the rolled map first: shift rows up and shift columns to the left, round the border.")
def looked_for_on_the_image(place: tuple[int, int], map_size: tuple[int, int], shift: int) -> tuple[int, int]:
    return place


@mistake(f"{READING}.place_on_the_rolled_map", place=FIG_4, modules=NOWHERE,
         says="The token is looked for below and to the right of where it was, but the roll moves everything up and to "
              "the left.",
         fix="Subtract the shift from row and column, and take the remainder by the map's sides.")
def looked_for_the_other_way(place: tuple[int, int], map_size: tuple[int, int], shift: int) -> tuple[int, int]:
    return (place[0] + shift) % map_size[0], (place[1] + shift) % map_size[1]


@mistake(f"{READING}.place_on_the_rolled_map", place=FIG_4, modules=NOWHERE,
         says="A token that the roll takes round the border is looked for at the border.",
         fix="Take the remainder by the map's sides: what leaves at the top comes back at the bottom.")
def looked_for_at_the_border(place: tuple[int, int], map_size: tuple[int, int], shift: int) -> tuple[int, int]:
    return max(place[0] - shift, 0), max(place[1] - shift, 0)
