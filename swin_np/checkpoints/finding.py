"""Where in a file the models lie: any nesting and any prefix, found by the names of a model's first block.

A root is what stands before those names: "state_dict/module.backbone." in a Lightning file of a detector. Under each
root a reader is asked what the model is. Several models, a teacher and a student, are named, and one is asked for.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile

from swin_np.checkpoints.dialects.dense import (
    FPN_READER,
    SWIN_BACKBONE_READER,
    UNET_READER,
    UPERNET_READER,
    UPERNET_V2_READER,
    V2_BACKBONE_READER,
)
from swin_np.checkpoints.dialects.dialect import Dialect, State
from swin_np.checkpoints.dialects.resnet import RES2NET_READER, RESNET_READER
from swin_np.checkpoints.dialects.swin import SWIN_READER
from swin_np.checkpoints.dialects.swin_mixer import SWIN_MIXER_READER
from swin_np.checkpoints.dialects.swin_v2 import SWIN_V2_READER
from swin_np.checkpoints.dialects.transformer import TRANSFORMER_READER
from swin_np.checkpoints.dialects.vit import VIT_READER
from swin_np.checkpoints.files import StoredCheckpoint
from swin_np.checkpoints.flattening import HOLDER, top_level
from swin_np.checkpoints.notes import Assumption, listing
from swin_np.checkpoints.reader import Reader
from swin_np.dense.backbones import DenseConfig
from swin_np.errors import CheckpointError

READERS = (UPERNET_V2_READER, UPERNET_READER, UNET_READER, FPN_READER, VIT_READER, RES2NET_READER, RESNET_READER,
           TRANSFORMER_READER, V2_BACKBONE_READER, SWIN_BACKBONE_READER, SWIN_V2_READER, SWIN_MIXER_READER, SWIN_READER)
"""What `load` knows, in the order in which a file is asked; Swin's, at the end, takes the rest, or says what it is."""

AS_BACKBONE = {SWIN_READER: SWIN_BACKBONE_READER, SWIN_V2_READER: V2_BACKBONE_READER}
MAP_NORM = re.compile(r"(hidden_states_norms\.\w+|norms\.\d+|norm\d+)\.(weight|bias)")
BESIDE = re.compile(r"(hidden_states_norms\.\w+|norms\.\d+)\.(weight|bias)")        # may stand beside the backbone
LAST_NORM = re.compile(r"(norm|layernorm|head|classifier)\..*")         # or a head, before which one stands
EMBEDDING = re.compile(r"(patch_embed|embeddings|features\.0)\..*")
ONLY_LAST = {"norm3"}                                  # mmdetection's and mmpretrain's, where one map is taken
WRAPPED = re.compile(r"(?<![^./])(_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
"""What torch.compile and the wrappers of distributed training put between the names of modules."""

FLAX = ("its names are those of Flax or Keras: save it from PyTorch, with from_pretrained(..., from_flax=True) in "
        "transformers before 5")
OF_FLAX = re.compile(r"(^|[./])(kernel|embedding)$")   # where nothing is a `weight`: filters of PyTorch are kernels too
REFUSED = tuple((re.compile(pattern), sentence) for pattern, sentence in (
    (r"\b(lora_|hada_w|lokr_w|oft_|ia3_)|\.base_layer\.|\.lora\.", "it is LoRA, or another adapter, on a model: merge "
     "it into the weights first (merge_and_unload() in peft) and save the state dict of that"),
    (r"(^|[./])_flat_param$", "it holds the flat parameters of one process of FSDP: save the full state dict"),
    (r"\.(qweight|qzeros|SCB|weight_scale|weight_format|absmax|_packed_params\b.*)$", "its weights are quantised: save "
     "them in floating point"),
    (r"[./](attn|attention|mlp)[./].*[./]kernel$", FLAX),
    (r"\.(attn|attention|mlp|ffn)\..*(\.weight_orig|\.weight_g|\.parametrizations\..*)$", "its weights are pruned, "
     "or are stored in factors: make plain ones of them first, by torch.nn.utils.prune.remove, "
     "parametrize.remove_parametrizations, remove_weight_norm or remove_spectral_norm"),
))
"""(pattern of a name, what it tells and what to do)."""


@dataclass(frozen=True)
class Part:
    """A model in a file.

    root: what stands before its names. outer: the same without what the library itself puts there, `swin.` say.
    paths: of its tensors in the file, by their names behind the root.
    """

    root: str
    outer: str
    reader: Reader
    paths: dict[str, str]

    @property
    def name(self) -> str:
        """As one asks for it: "teacher.backbone"; "" of a file that is one model and nothing else."""
        return self.outer.replace(HOLDER, ".").strip(".")

    def answers(self, asked: str) -> int:
        """How well a name that was asked for, "backbone", is this one's: 3 the whole of it, 2 its end, 1 a part, 0."""
        names = [self.name, self.root.replace(HOLDER, ".").strip(".")]
        return max(3 * (name == asked) or 2 * name.endswith(f".{asked}") or int(f".{asked}." in f".{name}.")
                   for name in names)

    def has_first_block(self) -> bool:
        """Whether it is more than a name or two that such models have as well."""
        try:
            self.reader.recognise(self.paths, self.reader.dialects)     # which looks at the names alone
        except CheckpointError:
            return False
        return True

    def holds(self, other: "Part") -> bool:
        """Whether the other one is the backbone of this dense model."""
        return (issubclass(self.reader.architecture.config, DenseConfig) and self is not other
                and other.root.startswith(f"{self.root}backbone."))


def anchors() -> dict[str, list[Dialect]]:
    """Every spelling of the readers' anchors, behind the root, and the dialects that have it."""
    spelled: dict[str, list[Dialect]] = {}
    for reader in READERS:
        for anchor in reader.anchors:
            for dialect in reader.dialects.values():
                for name in dialect.from_official(anchor) or ():
                    spelled.setdefault(name.removeprefix(dialect.root), []).append(dialect)
    return spelled


ANCHORS = anchors()


def parts_of(paths: Iterable[str]) -> list[Part]:
    """Every model in a file with these paths, in their order."""
    names = plain_names(list(paths))
    roots: dict[str, list[Dialect]] = {}
    for name in names:
        fitting = [anchor for anchor in ANCHORS if name.endswith(anchor)
                   and name[:-len(anchor)][-1:] in ("", ".", HOLDER)]
        if fitting:
            anchor = max(fitting, key=len)             # `cls_token` ends `embeddings.cls_token` too
            roots.setdefault(name.removesuffix(anchor), []).extend(ANCHORS[anchor])
    return [part_at(root, dialects, names) for root, dialects in roots.items()]


def plain_names(paths: list[str]) -> dict[str, str]:
    """The paths by their names without wrappers; by themselves where a model is there both wrapped and plain."""
    names = {WRAPPED.sub("", path): path for path in paths}
    return names if len(names) == len(paths) else {path: path for path in paths}


def part_at(root: str, dialects: list[Dialect], names: dict[str, str]) -> Part:
    """The model under a root; dialects: those that its first block can be of."""
    paths = dict(under(root, names))
    outer = re.sub(r"[^./]+\.$", "", root)             # without the last component, if that is no holder
    beside = {name: path for name, path in under(outer, names) if not (outer + name).startswith(root)}
    norms_beside = {name: path for name, path in beside.items() if BESIDE.fullmatch(
        name if root == f"{outer}backbone." else name.removeprefix("norms."))}        # `norms.0` is ours alone
    paths |= norms_beside
    if all(name in norms_beside or any(root == outer + dialect.root and dialect.is_outside(name)
                                       for dialect in dialects) for name in beside):
        paths |= beside                                # a head, and nothing between it and the model
    reader = next(reader for reader in READERS if reader.is_told_by(paths))
    norms = {found[1] for found in map(MAP_NORM.fullmatch, paths) if found}
    ended = norms == ONLY_LAST or any(map(LAST_NORM.fullmatch, paths))
    if (norms - ONLY_LAST or not ended) and any(map(EMBEDDING.fullmatch, paths)):
        reader = AS_BACKBONE.get(reader, reader)
    libraries = any(dialect.root not in ("", "backbone.") and root == outer + dialect.root for dialect in dialects)
    return Part(root, outer if libraries else root, reader, paths)


def under(root: str, names: dict[str, str]) -> Iterator[tuple[str, str]]:
    """(the name behind the root, the path) of what lies under a root, in the same dict."""
    for name, path in names.items():
        if name.startswith(root) and HOLDER not in name[len(root):] and name != root:
            yield name[len(root):], path


def find(stored: StoredCheckpoint, wanted: str | None = None) -> tuple[Part, list[str]]:
    """(the model in a file, sentences on where it lay and what was left aside).

    wanted: its name, or a component of it, where there are several. CheckpointError, with the names, if that does not
    tell which, and with what the file seems to be if there is none.
    """
    if not any(path.endswith("weight") for path in stored.tensors) and (
            found := list(filter(OF_FLAX.search, stored.tensors))):
        raise CheckpointError(f"it has {listing(found[:1])}: {FLAX}")
    parts = parts_of(stored.tensors)
    if not parts:
        check_weights(stored.tensors)
        SWIN_READER.recognise(stored.tensors, SWIN_READER.dialects)     # which says what it is
        raise CheckpointError(f"it has the first block of no known model, only {listing(list(stored.tensors))}: get "
                              "the whole file")
    part = chosen(parts, wanted)
    check_weights(part.paths.values())
    return part, [*where(part), *left_aside(part, stored)]


def check_weights(paths: Iterable[str]) -> None:
    """Raise CheckpointError for names of weights that are not a model's own, with what to do."""
    paths = list(paths)
    for pattern, sentence in REFUSED:
        if found := [path for path in paths if pattern.search(path)]:
            raise CheckpointError(f"it has {listing(found[:1])}: {sentence}")


def chosen(parts: list[Part], wanted: str | None) -> Part:
    """The part asked for, or else the only one that stands in no other."""
    if wanted is None:
        parts = [part for part in parts if part.has_first_block()] or parts
        whole = [part for part in parts if not any(other.holds(part) for other in parts)]
        several = [part for part in whole if part.reader is not TRANSFORMER_READER] or whole     # of a detector
        given = ""
    elif isinstance(wanted, str):
        asked, given = wanted.replace(HOLDER, ".").strip("."), f"part={wanted!r} was given, and "
        best = max(part.answers(asked) for part in parts)
        several = [part for part in parts if part.answers(asked) == best] if best else []
    else:
        raise CheckpointError(f"part={wanted!r} was given: give the name of a model in the file, as text")
    if len(several) == 1:
        return several[0]
    several = several or parts
    named = ", ".join(f"{part.name or 'the whole'} ({part.reader.name})" for part in several)
    raise CheckpointError(f"{given}it holds {len(several)} model{'s' * (len(several) > 1)}, {named}: give the name of "
                          f"one as part (--part {next(filter(None, (part.name for part in several)), '.')})")


def where(part: Part) -> list[str]:
    """What was opened to come to the part."""
    *holders, prefix = part.outer.split(HOLDER)
    return [*(f"took the entry {holder!r}" for holder in holders),
            *([f"removed the prefix {prefix!r}"] if prefix else [])]


def left_aside(part: Part, stored: StoredCheckpoint) -> list[str]:
    """What else the file holds: plain for other entries, an assumption for tensors in the same state dict."""
    taken, said = set(part.paths.values()), []
    rest = [path for path in stored.tensors if path not in taken]
    holders, here = part.root.split(HOLDER)[:-1], ""
    for holder in holders:
        beside = top_level(path[len(here):] for path in (*rest, *stored.others) if path.startswith(here))
        beside.pop(holder, None)
        if beside:
            said.append(f"left aside {listing(list(beside))}")
        here += holder + HOLDER
    others = [path for path in rest if path.startswith(here) and HOLDER not in path[len(here):]]
    entries = top_level(path[len(here):] for path in (*rest, *stored.others) if path.startswith(here)
                        and path not in others)
    if entries:
        said.append(f"left aside {listing(list(entries))}, not a tensor")
    if others:
        said.append(Assumption(f"left aside {listing(modules(others, part.root))}, not in the "
                               f"{part.name.rpartition('.')[2] or 'model'}"))
    return said


def modules(paths: list[str], root: str) -> list[str]:
    """The modules in which these paths lie, each as far as it shares its path with a root, and one name more."""
    stem, named = root.rpartition(HOLDER)[2].split("."), {}
    for path in paths:
        names = path.rpartition(HOLDER)[2].split(".")
        shared = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(names, stem, strict=False))))
        named[".".join(names[:shared + 1])] = None
    return list(named)


def arrays(part: Part, tensors: State) -> State:
    """The part's tensors by their names behind its root."""
    return {name: tensors[path] for name, path in part.paths.items()}
