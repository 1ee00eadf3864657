"""A repository at one commit: which files it has, by the hub or by the cache, and which of them would be fetched."""

import re
import warnings
from dataclasses import dataclass
from pathlib import Path

from swin_np.checkpoints.hub.address import Address
from swin_np.checkpoints.hub.sentences import is_out_of_reach
from swin_np.errors import CheckpointError, SwinWarning

COMMIT = r"[0-9a-f]{40}"
PLAIN_ETAG = r"[\w-]+"                                 # SHA-256 of large files, SHA-1 of small ones, or a mirror's own


@dataclass(frozen=True)
class Snapshot:
    """A repository at one commit. names: of its files, or where `commit` is None of those that the cache holds."""

    address: Address
    commit: str | None
    names: frozenset[str]


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
        raise CheckpointError(f"{constants.ENDPOINT} does not say the commit of its revision: check HF_ENDPOINT")
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


def in_cache(snapshot: Snapshot, name: str) -> str | None:
    """The path of a file of this commit in the cache, or None."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(snapshot.address.repository, name, revision=snapshot.commit)
    return found if isinstance(found, str) else None


def size_to_fetch(snapshot: Snapshot, name: str) -> int:
    """The bytes of a file that the cache does not hold, 0 for one that it holds, perhaps as another commit's.

    Raises CheckpointError for an answer that would have the file written elsewhere: the cache calls its files by their
    commit and their ETag.
    """
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url
    from huggingface_hub.file_download import repo_folder_name

    if in_cache(snapshot, name):
        return 0
    repository = snapshot.address.repository
    told = get_hf_file_metadata(hf_hub_url(repository, name, revision=snapshot.commit))
    if told.commit_hash != snapshot.commit or not re.fullmatch(PLAIN_ETAG, told.etag or ""):
        raise CheckpointError(f"{constants.ENDPOINT} answers as no hub does, with the commit {told.commit_hash!r} and "
                              f"the ETag {told.etag!r} for {name}: check HF_ENDPOINT")
    folder = Path(constants.HF_HUB_CACHE, repo_folder_name(repo_id=repository, repo_type="model"))
    return 0 if (folder / "blobs" / told.etag).exists() else told.size or 0
