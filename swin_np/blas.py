"""NumPy's BLAS on one thread, while its products are shared out among threads of ours."""

import os
import time
from functools import cache
from pathlib import Path

import numpy as np
from threadpoolctl import LibController, ThreadpoolController


@cache
def library() -> LibController | None:
    """The BLAS that NumPy has loaded, if threadpoolctl knows it: OpenBLAS, MKL or BLIS.

    A process can hold several, since packages bring their own: NumPy's lies beside NumPy, as its wheels have it, or it
    is the only one outside of all packages.
    """
    numpy = Path(np.__file__).resolve().parent
    found = {Path(each.filepath).resolve(): each for each in ThreadpoolController().lib_controllers
             if each.user_api == "blas"}
    own = [each for path, each in found.items() if {numpy, numpy.with_name("numpy.libs")} & {*path.parents}]
    of_the_system = [each for path, each in found.items() if numpy.parent not in path.parents]
    candidates = own or of_the_system
    return candidates[0] if len(candidates) == 1 else None


class SingleThreadedBlas:
    """Regions of the program in which NumPy's BLAS uses one thread; after the last of them it has those of before.

    `steered` is False where the BLAS is not known. It then keeps to its own environment variables, and parts are
    computed one after the other. Every step may be interrupted at any point: `leave`, done as often as it takes,
    repairs what `enter` or an earlier `leave` has left undone.
    """

    def __init__(self) -> None:
        self.before: int | None = None                 # the number of threads to go back to; None: nothing to do
        self.regions: set[object] = set()
        self.turn: dict[str, object] = {}              # a lock that knows its owner, see `take_turn`
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.renew)

    def renew(self) -> None:
        """Forget all regions: a forked process has none of its parent's other threads."""
        self.turn = {}
        for region in list(self.regions):
            self.leave(region)

    @property
    def steered(self) -> bool:
        """Whether the number of threads can be set."""
        return library() is not None

    @property
    def separate(self) -> bool:
        """Whether every thread of the program has a number of its own, as with OpenMP."""
        return getattr(library(), "threading_layer", None) == "openmp"

    def get(self) -> int:
        """The present number of threads."""
        return library().num_threads

    def set(self, count: int) -> None:
        """Let it use `count` threads from now on."""
        library().set_num_threads(count)
        if hasattr(library(), "clear_controlling_thread"):     # else no other thread could set OpenBLAS's after us
            library().clear_controlling_thread(force=True)

    def take_turn(self, region: object) -> None:
        """Wait until no other region is being entered or left, which takes microseconds.

        To take the lock and to note its owner is one step: if it is interrupted, the owner, and nobody else, goes on.
        """
        while self.turn.setdefault("owner", region) is not region:
            time.sleep(0)

    def enter(self, region: object) -> None:
        """Begin a region, which can be any object; it has to be left, also if this is interrupted."""
        if not self.steered:
            return
        self.take_turn(region)
        self.regions.add(region)
        if (count := self.get()) != 1:
            self.before = count
            self.set(1)
        self.turn.clear()

    def leave(self, region: object) -> None:
        """End a region, if it has begun."""
        if not self.steered:
            return
        self.take_turn(region)
        self.regions.discard(region)
        if self.before is not None and (self.separate or not self.regions):
            self.set(self.before)
        if not self.regions:
            self.before = None
        self.turn.clear()


SINGLE_THREADED_BLAS = SingleThreadedBlas()
