"""Windows that lie otherwise: every other shift; and masks that not every image or block has."""

from collections.abc import Iterator
from itertools import product

from swin_np.block import SwinTransformerBlock
from swin_np.crosscheck.causes.cause import Cause, module_at, replaced
from swin_np.crosscheck.causes.stretch import Stretch

FIX = "Shift by floor(M/2) on both axes in every second block, and not on an axis that one window covers."


def shifts(stretch: Stretch) -> Iterator[Cause]:
    """The last block of the stretch with each other shift."""
    if stretch.block not in stretch.modules:
        return
    block = module_at(stretch.reference.model, stretch.block)
    if not isinstance(block, SwinTransformerBlock):    # nor one of V2
        return
    name = stretch.block
    for shift in product(*(range(m) for m in block.window_size)):
        if shift != block.shift_size:
            yield Cause(f"shift by {shift}", f"{name}.attn", f"The windows of {name} are shifted by {in_words(shift)}; "
                        f"the reference shifts by {in_words(block.shift_size)}.", FIX,
                        lambda model, shift=shift: replaced(module_at(model, name), shift_size=shift))


def in_words(shift: tuple[int, int]) -> str:
    return f"{shift[0]} rows and {shift[1]} columns"
