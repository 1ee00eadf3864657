"""Before a download: is there room? After it: are these the bytes of the repository?"""

import hashlib
import os
import re
import shutil
from pathlib import Path

from swin_np.errors import CheckpointError

SHA256 = r"[0-9a-f]{64}"
AT_ONCE = 2**20                                        # bytes that are hashed in one step


def check_space(size: int) -> None:
    """Raise CheckpointError unless the disk of the cache has room for so many bytes."""
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE).absolute()
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if (free := shutil.disk_usage(there).free) < size:
        raise CheckpointError(f"{size / 1e6:,.0f} MB would be fetched, and the disk of {folder} has "
                              f"{free / 1e6:,.0f} MB left: make room, or name a folder on another disk in HF_HOME")


def check_content(path: Path) -> None:
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
        raise CheckpointError(f"the bytes of {path.name} are not those of the repository, by their SHA-256: they were "
                              "removed from the cache, load it again")
