"""Runs of benchmarks.speed, kept by processor, and the tables of docs/performance.md that are built from them.

`make bench` writes benchmarks/results/<processor>.json; a later run on the same kind of processor takes its place.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import fill

from benchmarks.contenders import EAGER, ONNX, OURS, PRODUCTS, TIMM, TORCHVISION
from benchmarks.peak_memory import Memory
from benchmarks.results import Results, Timing, quotient, table
from swin_np.errors import InputError, SwinError
from swin_np.writing import write_text

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- from benchmarks/results -->", "<!-- until here -->"
COLUMNS = (EAGER, TORCHVISION, TIMM, ONNX, PRODUCTS)   # what each case is compared with, beside the fastest eager peer


def file_of(folder: Path, machine: dict[str, str]) -> Path:
    """Where the run of a machine is kept: "An Abacus, kernels for Wood" -> an-abacus-kernels-for-wood-2-cores.json."""
    name = re.sub(r"\W+", "-", f"{processor(machine)} {machine['cores']} cores".lower()).strip("-")
    return folder / f"{name}.json"


def processor(machine: dict[str, str]) -> str:
    """What a table calls it: the processor, and whose kernels the BLAS runs there."""
    return machine["processor"] + (f", kernels for {machine['kernels']}" if machine["kernels"] else "")


def read(file: Path) -> Results:
    """A kept run: its times and memory, and those of the systems beside it; InputError for what is none."""
    try:
        run = of_dict(json.loads(file.read_text(encoding="utf-8")))
        tables([run])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{file.name} is no run of benchmarks.speed ({type(error).__name__}: {error}): make it with "
                         "python -m benchmarks.speed --keep") from None
    return run


def of_dict(found: dict) -> Results:
    """A run from its JSON object."""
    timings = [Timing(one["contender"], one["batch"], one["size"], one["threads"], one["seconds"])
               for one in found["timings"]]
    memory = [Memory(one["contender"], one["batch"], one["size"], one["threads"], one["loaded"], one["peak"])
              for one in found["memory"]]
    return Results(found["variant"], found["machine"], found["left_out"], timings, memory,
                   beside=[of_dict(other) for other in found["beside"]])


def rows(run: Results) -> Iterator[list[str | None]]:
    """A row for each size and batch, with a quotient for each number of threads in each cell."""
    cases: dict[tuple[int, int], list[Timing]] = {}
    for timings in run.by_case().values():
        cases.setdefault((timings[OURS].size, timings[OURS].batch), []).append(timings[OURS])
    peaks = {(each.contender, each.batch, each.size): each.peak for each in run.memory}
    for (size, batch), ours in cases.items():
        fastest = [run.fastest_peer(each.case) for each in ours]
        ratios = [[run.ratio(each, name) for each in ours] for name in COLUMNS]
        theirs = peaks.get((EAGER, batch, size))
        yield [str(size), str(batch), joined([each.threads for each in ours]),
               joined([f"{run.ratio(each, name):.2f} ({name})" for each, name in zip(ours, fastest, strict=True)]),
               *(joined([quotient(each) for each in column]) if None not in column else None for column in ratios),
               quotient(theirs and peaks[OURS, batch, size] / theirs)]


def rows_beside(run: Results) -> Iterator[list[str]]:
    """A row for each system beside Swin and each batch, relative to PyTorch eager."""
    for other in run.beside:
        ours = [each for each in other.timings if each.contender == OURS and other.ratio(each, EAGER)]
        for batch in dict.fromkeys(each.batch for each in ours):
            found = [each for each in ours if each.batch == batch]
            yield [other.variant, str(batch), joined([each.threads for each in found]),
                   joined([quotient(other.ratio(each, EAGER)) for each in found])]


def joined(items: list) -> str:
    """One after the other, a slash between."""
    return " / ".join(map(str, items))


def about_machine(number: int, machine: dict[str, str]) -> str:
    """What a run was made with, as an item of a numbered list."""
    facts = (f"{machine['cores']} cores", machine["vectors"], f"NumPy {machine['NumPy']}", machine["BLAS"],
             machine["variables"], f"PyTorch {machine['torch']}")
    return fill(f"{number}. {processor(machine)}: {', '.join(filter(None, facts))}", 120, subsequent_indent="   ",
                break_on_hyphens=False)


def tables(runs: list[Results]) -> str:
    """The Markdown of all kept runs: Swin beside its peers, then the other systems beside PyTorch eager."""
    numbered = list(enumerate(runs, 1))
    about = "\n".join(about_machine(number, run.machine) for number, run in numbered)
    swin = table(["run", "image", "batch", "threads", "fastest eager peer", *COLUMNS, f"memory, to {EAGER}"],
                 [[str(number), *row] for number, run in numbered for row in rows(run)])
    others = table(["run", "system", "batch", "threads", EAGER],
                   [[str(number), *row] for number, run in numbered for row in rows_beside(run)])
    return "\n\n".join([about, swin, others])


def with_tables(page: str, folder: Path = FOLDER) -> str:
    """The text of docs/performance.md with the tables of the kept runs between its two marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise InputError(f"{PAGE.name} has no place for the tables: put {BEGIN} and {END} around it")
    files = sorted(folder.glob("*.json"))
    if not files:
        raise InputError(f"{folder.name} has no kept run: make one with python -m benchmarks.speed --keep")
    return f"{before}{BEGIN}\n\n{tables([read(file) for file in files])}\n\n{END}{after}"


def main(arguments: list[str] | None = None) -> int:
    """Write the tables into docs/performance.md; 0, or 2 after one sentence on what is wrong."""
    argparse.ArgumentParser("python -m benchmarks.kept", description=__doc__,
                            epilog="example: python -m benchmarks.kept").parse_args(arguments)
    try:
        write_text(with_tables(PAGE.read_text(encoding="utf-8")), PAGE)
    except SwinError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
