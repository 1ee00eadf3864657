"""Fig. 3a in motion: the forward pass of a Swin Transformer one step at a time, with what each step is and costs."""

from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter

from swin_np.complexity import layer_costs, total
from swin_np.functional import Array
from swin_np.model import SwinTransformer


@dataclass(frozen=True)
class Step:
    """One step of the forward pass, for the batch it was run on.

    map_size: (h, w) of what it gives, () for the pooled end; channels: C of that. window: (M, M), and windows: how many
    of them cover the map, both () and 0 where nothing attends. shifts: the displacements of the blocks, in turn.
    parameters, multiply_adds: as swin_np.complexity counts them, for one image. seconds: measured.
    """

    name: str
    map_size: tuple[int, ...]
    channels: int
    windows: int
    window: tuple[int, ...]
    shifts: tuple[tuple[int, int], ...]
    heads: int
    parameters: int
    multiply_adds: int
    seconds: float


def walk(model: SwinTransformer, images: Array) -> Iterator[tuple[Step, Array]]:
    """Each step and its output, computed when asked for; the last output is what calling the model gives.

    Raises what calling the model raises.
    """
    plan = [("patch embedding", ("patch_embed", "absolute_pos_embed"), model.embed, [])]
    for i, stage in enumerate(model.layers):
        plan.append((f"stage {i + 1}, {len(stage.blocks)} blocks", (f"layers.{i}.blocks",), stage.run_blocks,
                     stage.blocks))
        if stage.downsample is not None:
            plan.append(("patch merging", (f"layers.{i}.downsample",), stage.downsample, []))
    plan.append(("norm, mean, head", ("norm", "avgpool", "head"), model.classify, []))
    x, costs = images, layer_costs(model.config, images.shape[2:])
    for name, parts, call, blocks in plan:
        start = perf_counter()
        x = call(x)
        seconds = perf_counter() - start
        cost = total(cost for cost in costs if cost.name.startswith(parts))
        map_size, windows, window, shifts, heads = x.shape[1:-1], 0, (), (), 0
        if blocks:
            settings = [block.shape_policy.window_and_shift(map_size, block.window_size, block.shift_size)
                        for block in blocks]
            window, shifts, heads = settings[0][0], tuple(shift for _, shift in settings), blocks[0].attn.num_heads
            windows = -(-map_size[0] // window[0]) * -(-map_size[1] // window[1])
        yield Step(name, map_size, x.shape[-1], windows, window, shifts, heads,
                   cost.parameters, cost.multiply_adds, seconds), x
