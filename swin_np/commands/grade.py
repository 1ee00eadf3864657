"""`swin-np grade`: the submissions of a class, graded; what went wrong by name, and what went wrong most as a chart."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from swin_np.commands.options import FIGURE, TABLE, add_json, add_plot, output_file
from swin_np.commands.terminal import with_progress
from swin_np.errors import InputError
from swin_np.exercises import grade_table, grading
from swin_np.text import printable
from swin_np.writing import write_text

MOST_FREQUENT = 5                                      # mistakes below the table


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add `grade` to the parser of the command line."""
    command = commands.add_parser(
        "grade", help="grade a folder of submitted exercises",
        description="Execute every notebook in a process of its own, with limits on time and memory and without "
                    "network, and check the functions that it defines. The limits are against accidents; code that is "
                    "made to deceive the check can do so.",
        epilog="example: swin-np grade submitted --csv grades.csv --plot mistakes.svg; the folder holds STUDENT.ipynb "
               "or STUDENT/.../NOTEBOOK.ipynb, as nbgrader's does")
    command.add_argument("folder", type=Path, metavar="FOLDER", help="the submissions, a notebook or folder for each "
                                                                     "student")
    command.add_argument("--seconds", type=float, default=grading.SECONDS, help="for a notebook (default: %(default)g)")
    command.add_argument("--memory", type=int, default=grading.MEBIBYTES, metavar="MIB",
                         help="for a notebook, in MiB (default: %(default)s; not limited on Windows and macOS)")
    command.add_argument("--csv", type=Path, metavar="FILE", help="write a line for each student")
    add_plot(command, "what went wrong most")
    add_json(command)
    command.set_defaults(run=run_grade)


def run_grade(options: argparse.Namespace) -> None:
    """`swin-np grade`."""
    if not (options.seconds > 0 and options.memory > 0):
        raise InputError(f"{options.seconds:g} seconds and {options.memory} MiB were given, expected more than nothing")
    output_file(options.csv, TABLE)
    output_file(options.plot, FIGURE)
    limits = grading.Limits(options.seconds, options.memory)
    grades = grading.grade(options.folder, limits, lambda work: with_progress(work, "notebooks"))
    frequent = grade_table.most_frequent(grades)
    if options.json:
        print(json.dumps({"grades": [{**asdict(grade), "points": grade.points} for grade in grades],
                          "most_frequent": frequent}))
    else:
        for line in grade_table.rows(grades):
            print(printable(line))
        for exercise, outcome, count in frequent[:MOST_FREQUENT]:
            print(f"{count} of {len(grades)}: {exercise}, {outcome}")
    if options.csv:
        write_text(grade_table.as_csv(grades), options.csv)
    if options.plot:
        from swin_np.plots.classroom import what_went_wrong  # here, so that grading alone needs no matplotlib
        from swin_np.plots.saving import save

        save(what_went_wrong(frequent, len(grades)), options.plot)
