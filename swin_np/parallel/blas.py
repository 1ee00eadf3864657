"""NumPy's BLAS on one thread, while its products are shared out among threads of ours."""

import os
import time
import warnings
import weakref
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController


@cache
def library() -> Any:
    """threadpoolctl's LibController of the BLAS that NumPy has loaded: of OpenBLAS, MKL or BLIS; None of others.

    A process can hold several, since packages bring their own: NumPy's lies beside NumPy, as its wheels have it, or it
    is the only one outside of all packages.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")            # about libraries of other packages
            loaded = ThreadpoolController().lib_controllers
    except Exception:                                  # a system that does not say which libraries a process has
        return None
    numpy = Path(np.__file__).resolve().parent
    found = {Path(each.filepath).resolve(): each for each in loaded if each.user_api == "blas"}
    own = [each for path, each in found.items() if {numpy, numpy.with_name("numpy.libs")} & {*path.parents}]
    of_the_system = [each for path, each in found.items() if numpy.parent not in path.parents]
    candidates = own or of_the_system
    return candidates[0] if len(candidates) == 1 else None


class SingleThreadedBlas:
    """Regions of the program in which NumPy's BLAS uses one thread; after the last of them it has those of before.

    A region is named by an object, and ends with it at the latest. An exception can strike between any two steps: to
    enter or to leave again does what has been left undone.
    """

    def __init__(self) -> None:
        self.before: int | None = None                 # the number of threads to go back to; None: nothing to do
        self.regions: set[int] = set()                 # the identities of their objects
        self.watched: dict[int, weakref.ref[object]] = {}      # what calls `abandon` when an object is gone
        self.turn: dict[str, int] = {}                 # a lock that knows its owner, see `take_turn`
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.renew)

    def renew(self) -> None:
        """Forget all regions: a forked process has none of its parent's other threads."""
        for forgotten in (self.turn, self.watched, self.regions):
            forgotten.clear()
        if self.steered:
            self.settle(id(self))

    @property
    def steered(self) -> bool:
        """Whether the number of threads can be set; otherwise the BLAS keeps to its own environment variables."""
        return library() is not None

    @property
    def separate(self) -> bool:
        """Whether every thread of the program has a number of its own, as with OpenMP."""
        return getattr(library(), "threading_layer", None) == "openmp"

    def get(self) -> int:
        """The present number of threads."""
        return library().num_threads

    def set(self, count: int) -> None:
        """Let it use `count` threads from now on.

        threadpoolctl lets one thread at a time set OpenBLAS's: the first one, until it is told to let go.
        """
        library().set_num_threads(count)
        let_go = getattr(library(), "clear_controlling_thread", None)
        if let_go is not None and self.get() != count:
            let_go(force=True)
            library().set_num_threads(count)
        if let_go is not None:
            let_go(force=True)

    def take_turn(self, key: int) -> None:
        """Wait until no other region is being entered or left, which takes microseconds.

        To take the lock and to note its owner is one step, so that after an interruption the owner can go on.
        """
        while self.turn.setdefault("owner", key) != key:
            time.sleep(0)

    def enter(self, region: object) -> None:
        """Begin a region."""
        if self.steered:
            key = id(region)
            self.watched[key] = weakref.ref(region, partial(self.abandon, key))
            self.take_turn(key)
            self.regions.add(key)
            if (count := self.get()) != 1:
                self.before = count
                library().set_num_threads(1)
            self.turn.clear()

    def leave(self, region: object) -> None:
        """End a region, if it has begun."""
        if self.steered:
            key = id(region)
            self.take_turn(key)
            self.regions.discard(key)
            self.settle(key)
            self.watched.pop(key, None)

    def abandon(self, key: int, _: "weakref.ref[object]") -> None:
        """End a region whose object is gone; this can happen at any time, also while the thread leaves another."""
        self.regions.discard(key)
        self.settle(key)
        self.watched.pop(key, None)

    def settle(self, key: int) -> None:
        """Without regions go back to the number of threads of before, unless it is another's turn, who then does it."""
        while self.turn.setdefault("owner", key) == key:
            last = not self.regions
            if self.before is not None and (last or self.separate) and self.get() == 1:
                self.set(self.before)                  # unless others have set it in the meantime
            if last:
                self.before = None
            self.turn.clear()
            if self.regions or self.before is None:
                break


SINGLE_THREADED_BLAS = SingleThreadedBlas()
