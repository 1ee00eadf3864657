"""The numbers of the talk that the library computes, as text for the slides; {{name}} in a text stands for one."""

from collections.abc import Callable

import numpy as np

from notebooks.talk.swin import attention_layer
from swin_np.attention import relative_position_index, shifted_window_attention
from swin_np.baselines.res2net import RES2NET_VARIANTS, receptive_fields
from swin_np.baselines.resnet import RESNET_VARIANTS
from swin_np.complexity import layer_costs, msa_multiply_adds, window_msa_multiply_adds
from swin_np.costs import total
from swin_np.plots.complexity import attention_costs, ratio_text
from swin_np.plots.cyclic_shift import keys_of_queries
from swin_np.plots.language_and_vision import ENTITIES, pairs_of_tokens, tokens_of
from swin_np.plots.mask_error import mask_error, mask_error_by_window
from swin_np.plots.masks import kinds_of_mask, masked_fraction
from swin_np.plots.receptive_field import extent, reach
from swin_np.plots.windows import count_windows
from swin_np.ragged import ragged_window_attention
from swin_np.systems.registry import layer_costs as costs_of
from swin_np.variants import VARIANTS

SWIN_T = VARIANTS["swin_t"]
MAP, WINDOW, SHIFT = SWIN_T.map_sizes()[0], SWIN_T.window(0), (3, 3)
CONVOLUTIONAL = {**RESNET_VARIANTS, **RES2NET_VARIANTS}
EXACT = 1e-12                                          # float64, where only the order of additions differs
COMMA, OF, LESS = ", ", "{0} of {1}", "less than {}"
PHRASES = (COMMA, OF, LESS, *ENTITIES)                 # the words among the numbers, which a language translates
Say = Callable[[str], str]                             # a phrase in a language


def rows(cells: list[tuple[str, ...]]) -> str:
    """The rows of a table in Markdown; its head stands in the text."""
    return "\n".join("| " + " | ".join(row) + " |" for row in cells)


def entities(say: Say) -> str:
    """How many tokens the things on the photograph have."""
    return rows([
        (say(name), *(f"{size:.{0 if size >= 10 else 1}f}" for size in (tokens_of(box, 16), tokens_of(box, 4))))
        for name, box in ENTITIES.items()])


def window_pairs() -> int:
    """Pairs of query and key in all regular windows of stage 1."""
    return count_windows(SWIN_T, (0, 0)).whole * (WINDOW[0] * WINDOW[1]) ** 2


def ratios(say: Say) -> str:
    """Eq. 1 over Eq. 2 in the four stages."""
    costs = [attention_costs(SWIN_T, stage, [224]) for stage in range(len(SWIN_T.depths))]
    return say(COMMA).join(ratio_text(one.item() / other.item()) for one, other in costs)


def growth(cost: Callable[..., int], *window: int) -> str:
    """By how much an attention layer of stage 1 becomes dearer where the image doubles on both sides."""
    (h, w), channels = MAP, SWIN_T.embed_dim
    return f"{cost(2 * h, 2 * w, channels, *window) / cost(h, w, channels, *window):.1f}".removesuffix(".0")


def roll_and_mask_against_the_definition(say: Say) -> str:
    """That both give the same, as a bound in words; ArithmeticError if they do not."""
    x, attn = attention_layer()
    trick, definition = shifted_window_attention(x, attn, 7, 3), ragged_window_attention(x, attn, (3, 3))
    if (difference := np.abs(trick - definition).max()) > EXACT:
        raise ArithmeticError(f"roll and mask differ by {difference:.1e} from the definition, expected {EXACT} at most")
    return say(LESS).format(f"$10^{{{np.log10(EXACT):.0f}}}$")


def wrong_windows(say: Say) -> str:
    """In how many windows of stage 1 attention without the mask is wrong."""
    _, attn = attention_layer()
    x = np.random.default_rng(0).standard_normal((1, *MAP, 12))
    errors = mask_error_by_window(mask_error(x, attn, SHIFT), WINDOW, SHIFT)
    return say(OF).format(np.count_nonzero(errors), errors.size)


def reaches(source: tuple[int, int], say: Say) -> str:
    """On how many tokens a side a token is seen after one to four alternating blocks."""
    return say(COMMA).join(str(extent(seen)[0]) for seen in reach(MAP, WINDOW, [(0, 0), SHIFT] * 2, source))


def res2nets() -> str:
    """Width, scale, what the widest output sees, parameters and multiply-adds of ResNet-50 and some Res2Nets."""
    cells = []
    for name in ("resnet_50", "res2net_50_48w_2s", "res2net_50_26w_4s", "res2net_50_14w_8s", "res2net_50_26w_8s"):
        config = CONVOLUTIONAL[name]
        counted, scale = total(costs_of(config)), getattr(config, "scale", 1)
        sees = receptive_fields(scale).max() if scale > 1 else 3
        width = str(config.width(0))
        title = name.replace("resnet_50", "ResNet-50").replace("res2net_50", "Res2Net-50").replace("_", " ")
        cells.append((title, width, str(scale), str(sees), f"{counted.parameters / 1e6:.1f}M",
                     f"{counted.multiply_adds / 1e9:.1f}G"))
    return rows(cells)


def weights_of_3x3(name: str) -> str:
    """How many weights the 3x3 convolutions of a block of the first stage have."""
    config = CONVOLUTIONAL[name]
    splits = max(getattr(config, "scale", 1) - 1, 1)
    return f"{9 * splits * config.width(0) ** 2:,}"


def numbers(say: Say = str) -> dict[str, str]:
    """Every number of the talk, by its name; `say` has the words among them in the language of the talk."""
    regular, shifted = count_windows(SWIN_T, (0, 0)), count_windows(SWIN_T, SHIFT)
    swin_t, every_pair = total(layer_costs(SWIN_T)), pairs_of_tokens((224, 224), 4)
    masked = {kind: f"{100 * masked_fraction(mask):.0f}" for kind, mask in kinds_of_mask(MAP, WINDOW, SHIFT).items()}
    index, keys = relative_position_index(7), keys_of_queries((8, 8), (4, 4), (2, 2))
    return {
        "table of things": entities(say), "table of res2nets": res2nets(),
        "parameters of swin-t": f"{swin_t.parameters:,}",
        "multiply-adds of swin-t": f"{swin_t.multiply_adds / 1e9:.1f}",
        "blocks of swin-t": str(sum(SWIN_T.depths)),
        "tokens": f"{MAP[0] * MAP[1]:,}", "tokens of a window": str(WINDOW[0] * WINDOW[1]),
        "all pairs": f"{every_pair:,}", "pairs in windows": f"{window_pairs():,}",
        "times fewer pairs": str(every_pair // window_pairs()),
        "regular windows": str(regular.whole), "shifted windows": str(shifted.whole + shifted.pieces),
        "joined windows": str(shifted.joined), "wrong windows": wrong_windows(say),
        "pairs of a window": f"{index.size:,}", "displacements": str(index.max() + 1),
        "fewest keys": str(keys.min()), "masked at an edge": masked["right edge"],
        "masked in the corner": masked["corner"],
        "msa over w-msa": ratios(say), "growth of msa": growth(msa_multiply_adds),
        "growth of w-msa": growth(window_msa_multiply_adds, 7),
        "difference": roll_and_mask_against_the_definition(say),
        "reach in the middle": reaches((31, 31), say), "reach in the corner": reaches((0, 0), say),
        "3x3 of resnet": weights_of_3x3("resnet_50"), "3x3 of res2net": weights_of_3x3("res2net_50_26w_4s"),
        "widest of four": str(receptive_fields(4).max()), "widest of eight": str(receptive_fields(8).max()),
    }
