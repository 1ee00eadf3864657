"""What a hub, the network or the disk refused, in a sentence with what to do."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from swin_np.checkpoints.hub.address import Address
from swin_np.errors import CheckpointError

TOKEN = "your token in HF_TOKEN (`hf auth login` stores one)"
FULL = (errno.ENOSPC, errno.EDQUOT)
OVERLOADED = 429                                       # the status of too many requests
LONGEST = 200                                          # characters of another library's message


@contextmanager
def in_a_sentence(address: Address) -> Iterator[None]:
    """Whatever is raised inside the `with` block becomes a CheckpointError that begins with the address.

    huggingface_hub raises errors of its own, of the HTTP library below it and of the system, and others for answers
    that no hub gives, such as the page of a proxy.
    """
    try:
        yield
    except CheckpointError as error:
        raise CheckpointError(f"{address}: {error}") from None
    except Exception as error:
        raise CheckpointError(f"{address}: {sentence(error, address)}") from error


def is_out_of_reach(error: Exception) -> bool:
    """Whether no hub answered, or one that is out of order for now: what is in the cache can be taken instead."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    if isinstance(error, HfHubHTTPError):
        return status(error) == OVERLOADED or status(error) >= 500
    return isinstance(error, OfflineModeIsEnabled) or is_transport(error)


def status(error: Exception) -> int:
    """The HTTP status that came with an error of huggingface_hub."""
    return error.response.status_code


def is_transport(error: Exception) -> bool:
    """Whether the connection failed, by the HTTP library that huggingface_hub uses (httpx, or its successor)."""
    return any(base.__name__ == "TransportError" for base in type(error).__mro__)


def sentence(error: Exception, address: Address) -> str:
    """What went wrong, and what to do."""
    from huggingface_hub import constants, errors

    revision, hub = address.revision or constants.DEFAULT_REVISION, constants.ENDPOINT
    if isinstance(error, errors.LocalEntryNotFoundError) and isinstance(error.__cause__, Exception):
        error = error.__cause__                        # why the hub could not be asked
    if isinstance(error, errors.GatedRepoError):
        return (f"the repository is gated: accept its conditions on {hub}/{address.repository} in a browser, and give "
                f"{TOKEN}")
    if isinstance(error, errors.RepositoryNotFoundError):
        return f"{hub} has no public repository of this name: check it, or for a private one give {TOKEN}"
    if isinstance(error, errors.RevisionNotFoundError):
        return f"the repository has no revision {revision!r}: give a branch, tag or commit that it has"
    if isinstance(error, errors.LocalEntryNotFoundError | errors.OfflineModeIsEnabled):
        return not_in_cache("the network is not to be used (HF_HUB_OFFLINE)")
    if isinstance(error, errors.EntryNotFoundError):
        return f"a file of it is not in the revision {revision!r}, though it was listed: load it again"
    if isinstance(error, errors.DisabledRepoError):
        return f"{hub} has disabled the repository: take another"
    if isinstance(error, errors.HfHubHTTPError):
        return of_status(status(error), hub, error)
    if is_transport(error):
        return (f"the connection to {hub} failed ({first_line(error)}): check the network and load it again, or name "
                "a mirror in HF_ENDPOINT")
    if isinstance(error, OSError) and error.errno in FULL:
        return ("the disk has no space left for it: make room, or name a folder on another disk than that of "
                f"{constants.HF_HUB_CACHE} in HF_HOME")
    if isinstance(error, OSError) and error.errno is not None:
        return (f"the cache {constants.HF_HUB_CACHE} cannot be used ({error.strerror}): name a folder that you can "
                "write to in HF_HOME")
    return f"it could not be fetched from {hub} ({first_line(error)}): load it again, or check HF_ENDPOINT"


def of_status(code: int, hub: str, error: Exception) -> str:
    """The sentence for an answer that is no success."""
    if code in (401, 403):
        return f"{hub} refused access ({code}): give {TOKEN}, one that may read this repository"
    if code == OVERLOADED:
        return f"{hub} has had too many requests ({code}): wait a few minutes, or give {TOKEN}"
    if code >= 500:
        return f"{hub} is out of order ({code}): try again later, or name a mirror in HF_ENDPOINT"
    return f"{hub} gave no file ({first_line(error)}): check the address, or HF_ENDPOINT"


def not_in_cache(why: str) -> str:
    """The sentence for what would have to be fetched."""
    from huggingface_hub import constants

    return f"it is not, or not whole, in the cache {constants.HF_HUB_CACHE}, and {why}: load it once with the network"


def first_line(error: Exception) -> str:
    """The beginning of an error's message, or else its name."""
    lines = str(error).strip().splitlines()
    return lines[0][:LONGEST] if lines else type(error).__name__
