"""A dialect: how one implementation names the parameters of a model, and by which names it is recognised.

The official names of an architecture, microsoft/Swin-Transformer's of a Swin, are the ones this package uses, so each
table maps official names to those of a dialect. Both sides are prefixes; the rest of a name (`.weight`, `.bias`, ...)
stays. The numbers of stage and block are {i} and {j}, and a dialect may count otherwise: {2i+1}, {i+1}.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from swin_np.checkpoints.notes import Assumption, listing
from swin_np.errors import CheckpointError
from swin_np.functional import Array
from swin_np.shape_policy import ShapePolicy

State = dict[str, Array]

COUNT = re.compile(r"\{(\d*)([ij])(?:\+(\d+))?\}")     # {j}, {i+1}, {2i+1}: factor, letter, offset
COUNTERS = ".num_batches_tracked"                      # how many batches a batch norm was trained on


@dataclass(frozen=True)
class Dialect:
    """How one implementation names the parameters of a model, and in what else it differs from the others.

    shape_policy: of a Swin Transformer; None for a system that has none.
    names: (official prefix, dialect prefixes); the first that fits counts. Several dialect prefixes share the official
        parameter in equal parts along its first axis (q, k and v apart in place of qkv).
    root: what stands before all of these names in the implementation's classifier, "swin." or "backbone.".
    outside: the same as `names`, of what stands beside the root there: its head.
    unfold_merging: patch merging by Unfold: channel by channel, then row by row, in place of `patch_merging`'s order.
    fused_bias: Swin V2's biases of queries and values are stored as one `qkv.bias`, whose third for the keys is unused.
    windows_by_stage: the implementation takes a window for each stage, all others one for all.
    buffers: endings of the derived buffers that the implementation stores.
    flat_index: `relative_position_index` is stored as one long row.
    set_aside: (names, why), for parameters that a classifier has no use for.
    eps: of the layer norms, which no file holds. note: a sentence for whoever reads a file of this dialect.
    """

    name: str
    shape_policy: ShapePolicy | None
    names: tuple[tuple[str, tuple[str, ...]], ...]
    root: str = ""
    outside: tuple[tuple[str, tuple[str, ...]], ...] = ()
    unfold_merging: bool = False
    fused_bias: bool = False
    windows_by_stage: bool = False
    buffers: tuple[str, ...] = ()
    flat_index: bool = False
    set_aside: tuple[tuple[str, ...], str] = ((), "")
    eps: float = 1e-5
    note: str = ""

    def from_official(self, name: str) -> tuple[str, ...] | None:
        """This dialect's name, or names where the parameter is split; None if it has no place for it."""
        for table, root in ((self.outside, ""), (self.names, self.root)):
            for official, ours in table:
                if (numbers := match(official, name)) is not None:
                    return tuple(root + render(prefix, numbers) for prefix in ours)
        return None

    def to_official(self, name: str) -> tuple[str, int, int] | None:
        """(official name, which part of it, out of how many parts), or None for a name that is not of this dialect.

        The root may be left out.
        """
        for official, ours in (*self.outside, *self.names):
            for part, prefix in enumerate(ours):
                if (numbers := match(prefix, name.removeprefix(self.root))) is not None:
                    return render(official, numbers), part, len(ours)
        return None

    def is_outside(self, name: str) -> bool:
        """Whether this is a name of what stands beside the root."""
        return any(match(prefix, name) is not None for _, ours in self.outside for prefix in ours)

    def is_inside(self, name: str) -> bool:
        """Whether a name, without the root, begins as those of this dialect do: with `layers`, `norm`, ..."""
        begins = {re.split(r"[.{\d]", prefix)[0] for table in (self.names, self.outside) for _, ours in table
                  for prefix in ours}
        return re.split(r"[.\d]", name)[0] in begins


def match(prefix: str, name: str) -> dict[str, int | str] | None:
    """The stage i, block j and rest of a name that begins with `prefix`, or None."""
    pattern = "".join(r"(\d+)" if k % 4 else re.escape(text) for k, text in enumerate(COUNT.split(prefix))
                      if k % 4 in (0, 1))
    found = re.fullmatch(pattern + r"(|\..*)", name)
    if not found:
        return None
    values: dict[str, int | str] = {"rest": found.groups()[-1]}
    for (factor, letter, offset), digits in zip(COUNT.findall(prefix), found.groups(), strict=False):
        number, remainder = divmod(int(digits) - int(offset or 0), int(factor or 1))
        if number < 0 or remainder:
            return None
        values[letter] = number
    return values


def render(prefix: str, values: dict[str, int | str]) -> str:
    """The name of `prefix` with the numbers and the rest that `match` found."""
    def number(found: re.Match) -> str:
        factor, letter, offset = found.groups()
        return str(int(factor or 1) * int(values[letter]) + int(offset or 0))
    return COUNT.sub(number, prefix) + str(values["rest"])


def recognise_by_names(tensors: State, dialects: Mapping[str, Dialect], anchors: tuple[str, ...] = (),
                       unknown: str = "", counters: bool = False) -> tuple[Dialect, State, list[str]]:
    """(the dialect, the tensors that a model may need, sentences about what was assumed or set aside).

    It is the first of the dialects in whose spelling most of the official names `anchors` are there. A dialect without
    the first anchor does not fit; if none does, CheckpointError says `unknown`, with {names} and {dialects} filled in,
    or where nothing is unknown, it is the first of all.
    counters: whether there are counters of batch norms, to be left out.
    """
    notes = []

    def anchored(dialect: Dialect) -> int:
        there = [all(name in tensors or name.removeprefix(dialect.root) in tensors
                     for name in dialect.from_official(anchor) or ("",)) for anchor in anchors]
        return sum(there) if all(there[:1]) else 0

    dialect = max(dialects.values(), key=anchored)
    if unknown and not anchored(dialect):
        raise CheckpointError(unknown.format(names=listing(list(tensors)), dialects=", ".join(dialects)))
    if dialect.note:
        notes.append(dialect.note)
    prefixes, reason = dialect.set_aside
    aside = [name for name in tensors
             if any(match(prefix, name.removeprefix(dialect.root)) is not None for prefix in prefixes)]
    if aside:
        notes.append(f"Set aside {listing(aside)}: {reason}.")
    counted = [name for name in tensors if counters and name.endswith(COUNTERS) and name not in aside]
    if counted:
        notes.append(f"Left out {len(counted)} counters {COUNTERS[1:]}, which only training needs.")
    beside = [name for name in tensors if name not in aside and dialect.names
              and not dialect.is_inside(name.removeprefix(dialect.root))]
    if beside:
        first = dict.fromkeys(name.partition(".")[0] for name in beside)
        notes.append(Assumption(f"Left aside {listing(list(first))}, no part of the model."))
    left_out = {*aside, *counted, *beside}
    return dialect, {name: value for name, value in tensors.items() if name not in left_out}, notes
