"""The files of a repository on a hub, from the cache of huggingface_hub or fetched into it."""

import hashlib
import logging
import os
import posixpath
import re
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from swin_np.checkpoints.file_names import (
    CONFIGURATION,
    INDEX_ENDING,
    PREPROCESSOR,
    is_about,
    is_weights,
    listed,
    preferred,
    shards_of,
)
from swin_np.checkpoints.formats import strict_json
from swin_np.checkpoints.hub.address import Address, parse
from swin_np.checkpoints.hub.sentences import in_a_sentence, is_out_of_reach, not_in_cache
from swin_np.errors import CheckpointError, SwinWarning

SMALLEST_WITH_BAR = 2**20                              # bytes: what is smaller is there before a bar could be read
COMMIT, SHA256 = r"[0-9a-f]{40}", r"[0-9a-f]{64}"
AT_ONCE = 2**20                                        # bytes that are hashed in one step


@dataclass(frozen=True)
class Snapshot:
    """A repository at one commit. names: of its files, or where `commit` is None of those that the cache holds."""

    address: Address
    commit: str | None
    names: frozenset[str]


def fetched(text: str | os.PathLike[str], bar: bool = True) -> Path:
    """Where the weights at an address are on this disk, with their shards and what config.json there is beside them.

    The revision is looked up every time and files are fetched that are not in the cache yet; without a network, or with
    HF_HUB_OFFLINE=1, the cache alone is asked. HF_HOME, HF_ENDPOINT and HF_TOKEN are those of huggingface_hub.
    bar: show one progress bar for all of them, if standard error is a terminal.
    Raises InputError for what is no address, CheckpointError if huggingface_hub is not installed, for all that the hub,
    the network or the disk refuse, and for files that are not what their repository says.
    """
    address = parse(text)
    try:
        import huggingface_hub  # noqa: F401  here, since it is an extra
    except ImportError:
        raise CheckpointError(
            f"{address}: huggingface_hub is not installed: `pip install \"swin_np[hub]\"`, or download "
            f"model.safetensors, {CONFIGURATION} and {PREPROCESSOR} in a browser into a folder and give the folder"
        ) from None
    with in_a_sentence(address), only_errors_logged():
        snapshot = snapshot_of(address)
        weights = weights_in(snapshot)
        folder, name = posixpath.split(weights)
        beside = {posixpath.basename(other) for other in snapshot.names if posixpath.dirname(other) == folder}
        names = [weights, *(posixpath.join(folder, other) for other in (CONFIGURATION, PREPROCESSOR)
                            if other in beside and is_about(name, beside))]
        if name.endswith(INDEX_ENDING):
            index = strict_json.parse(fetch(snapshot, [weights], False)[0].read_bytes())
            names += [posixpath.join(folder, shard) for shard in shards_of(index) or ()]
        return fetch(snapshot, names, bar)[0]


@contextmanager
def only_errors_logged() -> Iterator[None]:
    """Inside the `with` block huggingface_hub logs no warnings: what there is to say is said in one sentence."""
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    if level == logging.WARNING:                       # what it has unless the user chose another
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def snapshot_of(address: Address) -> Snapshot:
    """The files of the revision, by the hub or, where that is out of reach, by the cache."""
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import OfflineModeIsEnabled

    try:
        found = HfApi().model_info(address.repository, revision=address.revision,
                                   timeout=constants.HF_HUB_ETAG_TIMEOUT)
    except Exception as error:
        if not is_out_of_reach(error):
            raise
        snapshot = cached(address, error)
        if not isinstance(error, OfflineModeIsEnabled):
            warnings.warn(f"{address}: {constants.ENDPOINT} is out of reach, so what the cache holds of it was taken, "
                          "which may be an older commit", SwinWarning, stacklevel=4)
        return snapshot
    if not re.fullmatch(COMMIT, found.sha or ""):
        raise CheckpointError(f"{address}: {constants.ENDPOINT} does not say the commit of its revision: check "
                              "HF_ENDPOINT")
    return Snapshot(address, found.sha, frozenset(file.rfilename for file in found.siblings or ()))


def cached(address: Address, reason: Exception) -> Snapshot:
    """What the cache holds of the revision; the reason why the hub was not asked is raised if that is nothing."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(address.repository, revision=address.revision, local_files_only=True,
                                        allow_patterns=[]))
    except LocalEntryNotFoundError:
        raise reason from None
    return Snapshot(address, None, frozenset(file.relative_to(folder).as_posix() for file in folder.rglob("*")
                                             if file.is_file()))


def weights_in(snapshot: Snapshot) -> str:
    """The file that the address names, or the one of the folder that it names; CheckpointError if there is none."""
    address = snapshot.address
    if address.path in snapshot.names:
        return address.path
    inside = [name for name in snapshot.names if posixpath.dirname(name) == address.path]
    if snapshot.commit is None and not any(map(is_weights, inside)):
        raise CheckpointError(f"{address}: {not_in_cache('the hub is out of reach')}")
    if address.path and not inside:
        raise CheckpointError(f"{address}: the repository holds no file or folder {address.path!r}: give one of "
                              f"{listed(snapshot.names)}")
    try:
        name = preferred([posixpath.basename(name) for name in inside])
    except CheckpointError as error:
        raise CheckpointError(f"{address}: {error}") from None
    return posixpath.join(address.path, name)


def fetch(snapshot: Snapshot, names: list[str], bar: bool) -> list[Path]:
    """The files in the cache, each fetched if it is not there; the first of them is noted as its revision's."""
    from huggingface_hub import constants, hf_hub_download

    address = snapshot.address
    if missing := [name for name in names if name not in snapshot.names]:
        if snapshot.commit is None:
            raise CheckpointError(f"{address}: {not_in_cache('the hub is out of reach')}")
        raise CheckpointError(f"{address}: its index names {listed(missing)}, which the repository does not hold: take "
                              "another revision")
    if snapshot.commit is None:
        paths = [hf_hub_download(address.repository, name, revision=address.revision, local_files_only=True)
                 for name in names]
    else:
        plans = [hf_hub_download(address.repository, name, revision=snapshot.commit, dry_run=True) for name in names]
        size = sum(plan.file_size or 0 for plan in plans if plan.will_download)
        check_space(address, size)
        # The name of the revision is what the cache remembers its commit by, for the time without a network.
        revisions = [address.revision or constants.DEFAULT_REVISION] + [snapshot.commit] * (len(names) - 1)
        with one_bar(address, size, bar) as part_of_it:
            paths = [hf_hub_download(address.repository, name, revision=revision, tqdm_class=part_of_it)
                     for name, revision in zip(names, revisions, strict=True)]
        if paths != [plan.local_path for plan in plans]:
            raise CheckpointError(f"{address}: its revision changed while it was fetched: load it again")
    for path in map(Path, paths):
        check_content(address, path)
    return [Path(path) for path in paths]


def check_space(address: Address, size: int) -> None:
    """Raise CheckpointError unless the disk of the cache has room for so many bytes."""
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE).absolute()
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if (free := shutil.disk_usage(there).free) < size:
        raise CheckpointError(f"{address}: {size / 1e6:,.0f} MB would be fetched, and the disk of {folder} has "
                              f"{free / 1e6:,.0f} MB left: make room, or name a folder on another disk in HF_HOME")


@contextmanager
def one_bar(address: Address, size: int, wanted: bool) -> Iterator[type]:
    """What huggingface_hub takes for the bar of one file, and adds to a single one for `size` bytes."""
    from huggingface_hub.utils import tqdm

    hidden = None if wanted and size >= SMALLEST_WITH_BAR else True     # None: if standard error is no terminal
    with tqdm(total=size, unit="B", unit_scale=True, desc=str(address), disable=hidden) as whole:
        class Part(tqdm):
            """Shows nothing."""

            def __init__(self, *arguments: object, **options: object) -> None:
                super().__init__(disable=True)

            def update(self, n: float | None = 1) -> bool | None:
                return whole.update(n)

            def update_transfer(self, n: float | None = 1) -> None:
                """Bytes that came compressed, of which the file is made: `update` tells of that too."""

            def set_transfer_postfix_str(self, postfix: str, refresh: bool = False) -> None:
                """Their rate."""

        yield Part


def check_content(address: Address, path: Path) -> None:
    """Raise CheckpointError, and remove the file, if its bytes have another SHA-256 than the hub says.

    The cache keeps a file under the ETag that came with it, and large files' ETags are their SHA-256. Where a system
    has no symbolic links the name is lost, and nothing is checked.
    """
    if not path.is_symlink():
        return
    blob = path.parent / os.readlink(path)
    if not re.fullmatch(SHA256, blob.name):
        return
    digest = hashlib.sha256()
    with blob.open("rb") as stream:
        while block := stream.read(AT_ONCE):
            digest.update(block)
    if digest.hexdigest() != blob.name:
        path.unlink()
        blob.unlink()
        raise CheckpointError(f"{address}: the bytes of {path.name} are not those of the repository, by their SHA-256: "
                              "they were removed from the cache, load it again")
