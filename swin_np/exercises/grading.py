"""Grade a folder of submissions: each notebook in a process of its own, so that a bad one cannot stop the rest."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from swin_np.errors import InputError, SwinWarning
from swin_np.exercises.exercise import Result
from swin_np.exercises.registry import EXERCISES

SECONDS = 120.0                                        # for one notebook
MEBIBYTES = 2048                                       # of address space, the libraries included
PACKAGE = Path(__file__).parents[2]


@dataclass(frozen=True)
class Limits:
    """What one notebook may take: seconds of time, and mebibytes of memory (not on Windows and macOS)."""

    seconds: float = SECONDS
    mebibytes: int = MEBIBYTES


@dataclass(frozen=True)
class Grade:
    """A student's results by exercise, and sentences on what went wrong around them."""

    student: str
    results: dict[str, Result]
    problems: tuple[str, ...]

    @property
    def points(self) -> int:
        """The sum over the exercises."""
        return sum(result.points for result in self.results.values())

    @property
    def mistakes(self) -> tuple[str, ...]:
        """The named mistakes, in the exercises' order."""
        return tuple(result.mistake for result in self.results.values() if result.mistake)


def submissions(folder: Path) -> dict[str, list[Path]]:
    """The notebooks of every student: FOLDER/STUDENT.ipynb, or all those below FOLDER/STUDENT, as nbgrader has them.

    Raises InputError where there are none.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder: give the one that holds the submissions, STUDENT.ipynb or "
                         "STUDENT/.../NOTEBOOK.ipynb")
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*.ipynb")):
        parts = path.relative_to(folder).parts
        if not any(part.startswith(".") for part in parts):            # .ipynb_checkpoints
            found.setdefault(parts[0].removesuffix(".ipynb"), []).append(path)
    if not found:
        raise InputError(f"{folder} holds no notebooks: put the submissions there, STUDENT.ipynb or "
                         "STUDENT/.../NOTEBOOK.ipynb")
    return found


def grade(folder: Path, limits: Limits = Limits(),
          watch: Callable[[Sequence[Future]], Iterable[Future]] = iter) -> list[Grade]:
    """The grades of all students, in the order of their names. watch: is given the work, to show how far it is.

    Raises InputError for a folder without submissions; a submission that cannot be graded is told among its problems.
    """
    found = submissions(folder)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        work = {student: [pool.submit(grade_notebook, path, student, limits) for path in paths]
                for student, paths in found.items()}
        for future in watch([future for futures in work.values() for future in futures]):
            future.result()
    return [merged(student, [future.result() for future in futures]) for student, futures in work.items()]


def merged(student: str, grades: list[Grade]) -> Grade:
    """One grade from those of a student's notebooks; of an exercise in several of them the best result counts."""
    results: dict[str, Result] = {}
    for name in EXERCISES:
        own = [grade.results[name] for grade in grades if name in grade.results]
        if own:
            results[name] = max(own, key=lambda result: result.points)
    return Grade(student, results, tuple(problem for grade in grades for problem in grade.problems))


def grade_notebook(path: Path, student: str, limits: Limits) -> Grade:
    """Execute and check one notebook in a new process, in a folder that is thrown away."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            [*without_network(), sys.executable, "-m", "swin_np.exercises.submission", str(path.resolve()),
             str(limits.seconds), str(limits.mebibytes)],
            cwd=folder, env=environment(folder), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            answer, _ = process.communicate(timeout=limits.seconds)
        except subprocess.TimeoutExpired:
            end(process)
            return Grade(student, {}, (f"{path.name} was stopped after {limits.seconds:g} seconds",))
        finally:
            end(process)
    try:
        outcome = json.loads(answer)
        if outcome["not_limited"]:
            warnings.warn(f"this system does not limit {', '.join(outcome['not_limited'])}: a submission can use more",
                          SwinWarning, stacklevel=2)
        results = {result["exercise"]: Result(**result) for result in outcome["results"]}
        return Grade(student, results, tuple(f"{path.name}, {problem}" for problem in outcome["problems"]))
    except (ValueError, KeyError, TypeError):
        return Grade(student, {}, (f"{path.name} ended its process without a result ({ending(process.returncode)})",))


def ending(code: int) -> str:
    """How a process ended, for a person."""
    if code >= 0:
        return f"exit status {code}"
    names = {number.value: number.name for number in signal.Signals}
    return names.get(-code, f"signal {-code}")


def end(process: subprocess.Popen) -> None:
    """Kill a process and all that it has started, and take what it still said."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):  # it has ended already
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.communicate()


def environment(folder: str) -> dict[str, str]:
    """What a submission sees of ours: the library and nothing personal; one thread, which also saves memory."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LANG", "VIRTUAL_ENV") if name in os.environ}
    paths = [str(PACKAGE), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1", "HOME": folder,
            "MPLBACKEND": "Agg", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "SWIN_NP_THREADS": "1"}


@cache
def without_network() -> tuple[str, ...]:
    """The command that starts a program where there is no network, where the system lets us; or nothing.

    Elsewhere Python alone refuses, see `swin_np.exercises.submission`.
    """
    command = ("unshare", "--user", "--map-root-user", "--net")
    try:
        worked = subprocess.run([*command, "true"], capture_output=True, timeout=10).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return command if worked else ()
