"""Keep what runs in this process from networks, other programs, and files that are not its own.

Three means, each where the system has it: limits on time and memory; on Linux, namespaces, where an own view of the
disk holds Python, its packages and this library alone; everywhere, Python's audit events, which code in C can avoid.
"""

import ctypes
import math
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from swin_np.language import phrase

FORBIDDEN = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.startfile",
             "pty.spawn", "webbrowser.", "ftplib.", "smtplib.", "urllib.")
"""The beginnings of Python's audit events that a submission has no need of: networks and other programs."""

HARMLESS = ("socket.gethostname", "socket.__new__")    # importing some packages raises these
WRITING = ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.truncate", "os.chmod", "os.chown", "os.link",
           "os.symlink", "shutil.rmtree", "shutil.move")
"""The audit events that change files; they and `open` are allowed in the submission's own folder."""

LISTING = ("os.listdir", "os.scandir")
LARGEST_FILE = 16 * 2 ** 20                            # bytes, for what a submission writes
DISK = "64m"                                           # for all files of a submission, where it has its own disk
PACKAGE = Path(__file__).parents[1]
SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/fonts", "/dev/null", "/dev/zero",
          "/dev/random", "/dev/urandom")
NAMESPACES = ("unshare", "--user", "--map-root-user", "--net", "--ipc", "--pid", "--mount", "--fork", "--kill-child")
"""The command that starts a program without network and with an own view of processes and of the disk."""

READ_ONLY, NO_SETUID, NO_DEVICES, REMOUNT, BIND, RECURSIVE, PRIVATE, DETACH = 1, 2, 4, 32, 4096, 16384, 1 << 18, 2
KEPT_FLAGS = 2 | 4 | 8 | 1024 | 2048                   # nosuid, nodev, noexec, noatime, nodiratime
NO_NEW_PRIVILEGES, CAPABILITIES_VERSION = 38, 0x20080522


def shown() -> list[Path]:
    """The folders and files that a submission sees beside its own: Python with its packages, and this library."""
    wanted = [sys.prefix, sys.base_prefix, os.path.dirname(os.__file__), *map(str, Path(np.__file__).parents[1:2]),
              str(PACKAGE), *SYSTEM]
    found: list[Path] = []
    for path in map(Path, wanted):
        if path.exists() and path != Path(path.anchor) and path not in found:
            found.append(path)
    return [path for path in found if not any(other in path.parents for other in found)]


def hide(paths: Iterable[Path], folder: Path) -> bool:
    """Let this process and those that it starts see these paths, which they cannot change, and `folder`, now empty.

    Works in the namespaces of NAMESPACES alone; elsewhere nothing changes, and the answer is False.
    """
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

    def done(function: str, *arguments: object) -> None:
        if getattr(libc, function)(*arguments) != 0:
            raise OSError(ctypes.get_errno(), function)

    def mount(source: str, target: Path, flags: int, kind: str = "none", data: str = "") -> None:
        done("mount", os.fsencode(source), os.fsencode(target), kind.encode(), ctypes.c_ulong(flags), data.encode())

    if libc is None or os.getpid() != 1:               # the first process of its namespace, or of a container
        return False
    try:
        mount("tmpfs", folder, NO_SETUID | NO_DEVICES, "tmpfs", "size=1m,mode=0755")
        for path in paths:
            place = folder / path.relative_to(path.anchor)
            place.parent.mkdir(parents=True, exist_ok=True)
            if path.is_symlink():
                place.symlink_to(os.readlink(path))
                continue
            place.mkdir(exist_ok=True) if path.is_dir() else place.touch()
            mount(str(path), place, BIND | RECURSIVE)
            mount("none", place, BIND | REMOUNT | READ_ONLY | (os.statvfs(place).f_flag & KEPT_FLAGS))
        own = folder / folder.relative_to(folder.anchor)
        own.mkdir(parents=True, exist_ok=True)
        mount("tmpfs", own, NO_SETUID | NO_DEVICES, "tmpfs", f"size={DISK},mode=0700")
        (folder / "before").mkdir()
        done("pivot_root", os.fsencode(folder), os.fsencode(folder / "before"))
        os.chdir("/")
        done("umount2", b"/before", DETACH)
        os.rmdir("/before")
        mount("none", Path("/"), BIND | REMOUNT | READ_ONLY | NO_SETUID | NO_DEVICES)
        give_up_privileges(libc)
    except (OSError, AttributeError, ValueError):
        return False
    return True


def give_up_privileges(libc: ctypes.CDLL) -> None:
    """Drop what the first process of a namespace may do there: mount, and see the old disk again."""
    libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    header, nothing = (ctypes.c_uint32 * 2)(CAPABILITIES_VERSION, 0), (ctypes.c_uint32 * 6)()
    if libc.capset(header, nothing) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def forbid_what_no_exercise_needs(folder: Path, readable: Iterable[Path]) -> None:
    """Let Python refuse networks, other programs, changes to files outside of the folder, and all but `readable`."""
    places = [os.path.realpath(path) for path in (folder, *readable)]
    own = places[0]

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith(FORBIDDEN) and event not in HARMLESS:
            raise PermissionError(phrase("{event} is not allowed in a submission", event=event))
        if event in WRITING or (event == "open" and writes(*arguments)):
            for path in arguments[:2] if event != "open" else arguments[:1]:
                if isinstance(path, str | bytes | os.PathLike) and not inside([own, os.devnull], path):
                    raise PermissionError(phrase("files outside of its own folder are not to be changed by a "
                                                 "submission"))
        elif event == "open" or event in LISTING:
            path = arguments[0] if arguments and arguments[0] is not None else "."
            if isinstance(path, str | bytes | os.PathLike) and not inside(places, path):
                raise PermissionError(phrase("files outside of its own folder are hidden from a submission"))

    sys.addaudithook(refuse)


def writes(path: object, mode: str | None, flags: int) -> bool:
    """Whether a file that is opened like this can be changed."""
    changing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
    return bool(isinstance(flags, int) and flags & changing)


def inside(places: Iterable[str], path: str | bytes | os.PathLike[str]) -> bool:
    """Whether a path is one of the places or in one of them, links followed."""
    real = os.path.realpath(os.fsdecode(path))
    return any(real == place or real.startswith(place + os.sep) for place in places)


def limit(seconds: float, mebibytes: int) -> list[str]:
    """Limit this process's time, memory and files as far as the system lets us; what it does not limit.

    Windows limits nothing, macOS no memory. Where the system itself allows less than is asked for, that holds.
    """
    limits = {"processor time": ("RLIMIT_CPU", math.ceil(seconds)), "memory": ("RLIMIT_AS", mebibytes * 2 ** 20),
              "the size of files": ("RLIMIT_FSIZE", LARGEST_FILE), "core dumps": ("RLIMIT_CORE", 0)}
    try:
        import resource
    except ImportError:
        return [*limits]
    refused = []
    for what, (name, most) in limits.items():
        try:
            number = getattr(resource, name)
            allowed = resource.getrlimit(number)[1]
            most = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
            resource.setrlimit(number, (most, most))
        except (AttributeError, OSError, ValueError, OverflowError):
            refused.append(what)
    return refused
