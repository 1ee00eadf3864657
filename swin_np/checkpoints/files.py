"""Reading a checkpoint of any format, recognised by its content and not by its ending."""

import mmap
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from swin_np.checkpoints.config_files.entries import Entries
from swin_np.checkpoints.config_files.labels import labels_of
from swin_np.checkpoints.config_files.preprocessing import StoredPreprocessing, of_timm, of_transformers
from swin_np.checkpoints.file_names import CONFIGURATION, PREPROCESSOR, is_about, preferred, shards_of
from swin_np.checkpoints.flattening import Tensors, flatten
from swin_np.checkpoints.formats import strict_json
from swin_np.checkpoints.formats.foreign import check_name, refusal, zip_refusal
from swin_np.checkpoints.formats.npz import read_npz
from swin_np.checkpoints.formats.placeholders import Account
from swin_np.checkpoints.formats.pth import BEGINNING, LEGACY_MAGIC, read_legacy, read_pickle, read_zip
from swin_np.checkpoints.formats.safetensors import read_safetensors
from swin_np.checkpoints.formats.zip_archive import LOCAL, read_directory
from swin_np.checkpoints.hub.address import is_address
from swin_np.checkpoints.hub.download import fetched
from swin_np.checkpoints.notes import listing
from swin_np.errors import CheckpointError
from swin_np.functional import Array

SHARD = re.compile(r"-\d{5}-of-(?!00001)(\d{5})\.(?:safetensors|bin)$")


@dataclass(frozen=True)
class StoredCheckpoint:
    """What a file holds.

    format: "pytorch zip", "pytorch legacy", "pickle", "safetensors" or "npz"; with " sharded" behind it if several
        files made it.
    tensors: by path ("state_dict/norm.weight"), read-only; views of the mapped file where its format and dtype allow.
        bfloat16 is float32. others: the paths of the entries that are no tensors and hold none.
    metadata: of .safetensors, and of the entry `meta` of .npz.
    name: of the file. configuration: the entries of the config.json beside it, as they stand there.
    preprocessing: how the images of the model are prepared, where a file beside it says so.
    labels: the names of its classes by their numbers, where config.json gives them; "" for one without a name.
    unread: the names of the classes and functions of a pickle in whose place there is nothing (`Placeholder`), sorted.
    """

    format: str
    tensors: Mapping[str, Array]
    others: list[str]
    metadata: dict[str, str]
    name: str = ""
    configuration: Entries | None = None
    preprocessing: StoredPreprocessing | None = None
    labels: tuple[str, ...] | None = None
    unread: tuple[str, ...] = ()


@dataclass(frozen=True)
class Content:
    """The content of one file: its format, the tree of dicts in it, metadata and unread as of StoredCheckpoint."""

    format: str
    tree: object
    metadata: dict[str, str] = field(default_factory=dict)
    unread: tuple[str, ...] = ()


def read(path: str | Path) -> StoredCheckpoint:
    """The checkpoint in a file, in the shards that an index file names, or in a folder that holds either.

    A path that begins with hf:// is the address of a repository, whose files are fetched (`hub.download.fetched`).
    config.json and preprocessor_config.json beside it are read too, where they are the checkpoint's (`is_alone`).
    A file is mapped, not copied: it must stay as it is while its tensors are in use. CheckpointError, with the path,
    for anything that cannot be read or is refused.
    """
    path = fetched(path) if is_address(path) else Path(path)
    try:
        if os.path.isdir(path):
            path /= preferred(names_in(path))
        buffer = mapped(path)
        is_index = bytes(buffer[:1]) == b"{"
        if shard := SHARD.search(path.name):
            raise CheckpointError(f"it is one of {int(shard[1])} shards: give their folder, or the index beside them")
        stored = read_shards(path, buffer) if is_index else flat_checkpoint(read_content(buffer, path.name))
        return replace(stored, name=path.name, **(read_beside(path.parent) if is_alone(path) else {}))
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None


def names_in(folder: Path) -> list[str]:
    """The names of the files in a folder."""
    try:
        return os.listdir(folder)
    except OSError as error:
        raise CheckpointError(f"the folder cannot be read ({error.strerror}): check its permissions") from None


def is_alone(path: Path) -> bool:
    """Whether a config.json beside this file is about it, by `is_about`."""
    try:
        names = names_in(path.parent)
    except CheckpointError:                            # it may be entered and not listed, and hold others
        names = [path.name, path.name]
    return is_about(path.name, names)


def read_beside(folder: Path) -> dict[str, object]:
    """The fields of a StoredCheckpoint that config.json and preprocessor_config.json fill."""
    configuration, preprocessor = (entries_of(folder / name) for name in (CONFIGURATION, PREPROCESSOR))
    preprocessing = None
    if preprocessor is not None:
        preprocessing = of_transformers(preprocessor)
    elif configuration is not None and "architecture" in configuration.values:
        preprocessing = of_timm(configuration)
    labels = None if configuration is None else labels_of(configuration)
    return {"configuration": configuration, "preprocessing": preprocessing, "labels": labels}


def entries_of(path: Path) -> Entries | None:
    """The object in a JSON file; None if there is none."""
    if not os.path.lexists(path):
        return None
    try:
        return Entries(path.name, strict_json.parse(bytes(mapped(path)[:strict_json.MAXIMUM_SIZE + 1])))
    except CheckpointError as error:
        raise CheckpointError(f"{path.name} beside it: {error}") from None


def read_bytes(buffer: bytes | memoryview) -> StoredCheckpoint:
    """The checkpoint in the content of one file; CheckpointError, without a path, for all that `read` refuses."""
    return flat_checkpoint(read_content(memoryview(buffer)))


def flat_checkpoint(content: Content) -> StoredCheckpoint:
    tensors, others = flatten(content.tree)
    return StoredCheckpoint(content.format, Tensors(tensors), others, content.metadata, unread=content.unread)


def read_content(buffer: memoryview, name: str = "") -> Content:
    """What one file of this name holds."""
    check_name(name)
    account = Account(len(buffer))

    def pickled(form: str, tree: object) -> Content:
        return Content(form, tree, unread=tuple(sorted(account.unread)))

    head = bytes(buffer[:64])
    if head.startswith(LOCAL):
        entries = read_directory(buffer)
        if pickle := next((name for name in entries if re.fullmatch(r"([^/]*/)?data\.pkl", name)), None):
            return pickled("pytorch zip", read_zip(entries, pickle.removesuffix("data.pkl"), account))
        if entries and all(name.endswith(".npy") for name in entries):
            return Content("npz", *read_npz(entries, len(buffer)))
        raise zip_refusal(entries)
    if LEGACY_MAGIC.match(head):
        return pickled("pytorch legacy", read_legacy(buffer, account))
    if head[4:9] == b"\0\0\0\0{":                     # a header of less than 4 GiB
        return Content("safetensors", *read_safetensors(buffer))
    if BEGINNING.match(head):
        return pickled("pickle", read_pickle(buffer, account))
    raise refusal(buffer)


def mapped(path: Path) -> memoryview:
    """The bytes of a file, mapped into memory."""
    if not os.path.isfile(path):                       # a device or a pipe may have no end
        raise CheckpointError("there is no file of this name: check the path")
    try:
        with path.open("rb") as stream:
            return memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
    except ValueError:                                 # nothing to map
        return memoryview(b"")
    except OSError as error:
        raise CheckpointError(f"it cannot be opened ({error.strerror}): check its permissions") from None


def read_shards(path: Path, buffer: memoryview) -> StoredCheckpoint:
    """The checkpoint of an index file, whose `weight_map` says which file beside it holds which tensor."""
    index = strict_json.parse(bytes(buffer[:strict_json.MAXIMUM_SIZE + 1]))
    names = shards_of(index)
    if names is None:
        raise refusal(buffer)
    if missing := [shard for shard in names if not os.path.exists(path.with_name(shard))]:
        raise CheckpointError(f"it is the index of {len(names)} shards, and {listing(missing)} "
                              f"{'is' if len(missing) == 1 else 'are'} not beside it: get them into its folder")
    merged: dict[str, object] = {}
    metadata: dict[str, str] = {}
    unread: set[str] = set()
    form = ""
    for shard in names:
        try:
            content = read_content(mapped(path.with_name(shard)), shard)
        except CheckpointError as error:
            raise CheckpointError(f"shard {shard!r}: {error}") from None
        form, tree = content.format, content.tree
        metadata.update(content.metadata)
        unread.update(content.unread)
        if not isinstance(tree, dict) or set(tree) != names[shard]:
            raise CheckpointError(f"the shard {shard!r} does not hold what the index says: get the files again")
        merged.update(tree)
    tensors = {name: merged[name] for name in index["weight_map"]}
    return flat_checkpoint(Content(f"{form} sharded", tensors, metadata, tuple(sorted(unread))))
