"""The files of a repository on a hub, from the cache of huggingface_hub or fetched into it."""

import os
import posixpath
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
from swin_np.checkpoints.hub.address import parse
from swin_np.checkpoints.hub.checks import check_content, check_space
from swin_np.checkpoints.hub.progress import one_bar, only_errors_logged
from swin_np.checkpoints.hub.sentences import in_a_sentence, not_in_cache
from swin_np.checkpoints.hub.snapshot import Snapshot, in_cache, size_to_fetch, snapshot_of
from swin_np.errors import CheckpointError


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
            with open(fetch(snapshot, [weights], False)[0], "rb") as stream:
                index = strict_json.parse(stream.read(strict_json.MAXIMUM_SIZE + 1))
            names += [posixpath.join(folder, shard) for shard in shards_of(index) or ()]
        return fetch(snapshot, names, bar)[0]


def weights_in(snapshot: Snapshot) -> str:
    """The file that the address names, or the one of the folder that it names; CheckpointError if there is none."""
    address = snapshot.address
    if address.path in snapshot.names:
        return address.path
    inside = [name for name in snapshot.names if posixpath.dirname(name) == address.path]
    if snapshot.commit is None and not any(map(is_weights, inside)):
        raise CheckpointError(not_in_cache("the hub is out of reach"))
    if address.path and not inside:
        raise CheckpointError(f"the repository holds no file or folder {address.path!r}: give one of "
                              f"{listed(snapshot.names)}")
    return posixpath.join(address.path, preferred([posixpath.basename(name) for name in inside]))


def fetch(snapshot: Snapshot, names: list[str], bar: bool) -> list[Path]:
    """The files in the cache, each fetched if it is not there; the first of them is noted as its revision's."""
    from huggingface_hub import constants, hf_hub_download

    address = snapshot.address
    if missing := [name for name in names if name not in snapshot.names]:
        if snapshot.commit is None:
            raise CheckpointError(not_in_cache("the hub is out of reach"))
        raise CheckpointError(f"its index names {listed(missing)}, which the repository does not hold: take another "
                              "revision")
    if snapshot.commit is None:
        paths = [hf_hub_download(address.repository, name, revision=address.revision, local_files_only=True)
                 for name in names]
    else:
        size = sum(size_to_fetch(snapshot, name) for name in names)
        check_space(size)
        # The name of the revision is what the cache remembers its commit by, for the time without a network.
        revisions = [address.revision or constants.DEFAULT_REVISION] + [snapshot.commit] * (len(names) - 1)
        with one_bar(address, size, bar) as part_of_it:
            paths = [hf_hub_download(address.repository, name, revision=revision, tqdm_class=part_of_it)
                     for name, revision in zip(names, revisions, strict=True)]
        if paths != [in_cache(snapshot, name) for name in names]:
            raise CheckpointError("its revision changed while it was fetched: load it again")
    for path in map(Path, paths):
        check_content(path)
    return [Path(path) for path in paths]
