"""What is shown while files are fetched: one bar, and none of what huggingface_hub shows by itself."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from swin_np.checkpoints.hub.address import Address

SMALLEST_WITH_BAR = 2**20                              # bytes: what is smaller is there before a bar could be read


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
