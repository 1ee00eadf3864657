"""The relative position bias that the candidate added: read off its scores, and compared with the table."""

from collections.abc import Iterator

import numpy as np

from swin_np.attention import relative_position_bias, relative_position_index
from swin_np.crosscheck.causes.cause import Cause, module_at, replaced
from swin_np.crosscheck.causes.stretch import Stretch
from swin_np.crosscheck.compare import correlation

FIX = ("Look at how the table is loaded: made for the same window, not resized, and read as (2M-1)^2 rows of "
       "displacements by heads.")
ALIKE = 0.5                                            # a correlation above: the same table, changed


def tables(stretch: Stretch) -> Iterator[Cause]:
    """Where the scores before and after the bias are given."""
    name = stretch.name.removesuffix(".scores_with_bias")
    if name == stretch.name or f"{name}.scores" not in stretch.evidence.given:
        return
    attn = module_at(stretch.reference.model, name)
    window, table = attn.window_size, attn.relative_position_bias_table
    added = stretch.evidence.given[stretch.name] - stretch.evidence.given[f"{name}.scores"]
    added = added.reshape(-1, *added.shape[-3:]).mean(axis=0)                                # (heads, M^2, M^2)
    index = relative_position_index(window)
    count = np.bincount(index.ravel(), minlength=len(table))
    solved = np.stack([np.bincount(index.ravel(), head.ravel(), len(table)) / count for head in added], axis=1)
    alike = correlation(solved, table)
    if np.abs(relative_position_bias(solved, window) - added).max() > 1e-3 * np.abs(added).max():
        return
    factor = float((solved * table).sum() / (table * table).sum())
    says = f"The bias table of {name} is another: "
    says += (f"it correlates with the reference's at {alike:.3f} and is {factor:.3g} times as large, as one that was "
             "resized or interpolated" if alike > ALIKE else
             f"it has little in common with the reference's (correlation {alike:.2f})")
    yield Cause("bias table of another", name, f"{says}.", FIX,
                lambda model: replaced(module_at(model, name),
                                       relative_position_bias_table=solved.astype(model.dtype)))
