"""`swin-np grade`: the submissions of a class, graded; what went wrong by name, and what went wrong most as a chart."""

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from swin_np.classroom import class_grades, feedback, grade_table, gradebooks, sandbox
from swin_np.classroom.class_grades import BEST, LATEST, Grade, Rules
from swin_np.classroom.hand_ins import moment
from swin_np.classroom.integrity import Finding
from swin_np.classroom.partial import EXAMPLE, NOTHING, partial_of
from swin_np.classroom.roster import read_roster
from swin_np.classroom.store import NAME, Store
from swin_np.commands.options import FIGURE, TABLE, add_json, add_plot, check_seed, output_file, output_folder
from swin_np.commands.terminal import progress, with_progress
from swin_np.errors import InputError
from swin_np.exercises.checking import SEED
from swin_np.exercises.climbing import STAGES
from swin_np.language import language, phrase, speaking, wanted
from swin_np.text import printable
from swin_np.writing import write_text

MOST_FREQUENT = 5                                      # mistakes below the table


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add `grade` to the parser of the command line."""
    command = commands.add_parser(
        "grade", help=phrase("grade a folder of submitted exercises"),
        description=phrase(
            "Execute every notebook and .py file in a process of its own, with limits on time and memory, and on Linux "
            "without network and with the files of others hidden; call the functions that it defines and compare their "
            "results in another process. What was graded is kept, so that the command can be interrupted and called "
            "again."),
        epilog=phrase(
            "example: swin-np grade submitted --roster class.csv --deadline 2026-05-31 --feedback pages --moodle "
            "grades.csv; the folder holds STUDENT.ipynb, STUDENT.zip or STUDENT/.../NOTEBOOK.ipynb, or is what "
            "nbgrader, Moodle or Canvas give, which may be a zip"))
    command.add_argument("folder", type=Path, metavar="FOLDER",
                         help=phrase("the submissions: a folder, or a zip of one"))
    count = command.add_argument_group(phrase("what counts"))
    count.add_argument("--roster", type=Path, metavar="FILE",
                       help=phrase("CSV of the class, as Moodle or Canvas export it, or with a column name: everybody "
                                   "gets a line"))
    count.add_argument("--attempts", choices=(BEST, LATEST), default=BEST,
                       help=phrase("which of several hand-ins counts for an exercise (default: %(default)s)"))
    count.add_argument("--deadline", metavar="TIME",
                       help=phrase("such as 2026-05-31, which ends that day, or '2026-05-31 18:00': how many days late "
                                   "is said"))
    count.add_argument("--late-days", type=int, metavar="N",
                       help=phrase("what comes more than N days late does not count"))
    count.add_argument("--partial", metavar="STAGE=PERCENT,...",
                       help=phrase("what a wrong function gets for the stages of the check that it passes, in percent "
                                   "of the exercise's points, such as {example}; the stages are {stages} (default: "
                                   "nothing)", example=EXAMPLE, stages=", ".join(STAGES)))
    count.add_argument("--seed", type=int, default=SEED,
                       help=phrase("of the random arguments (default: that of check)"))
    work = command.add_argument_group(phrase("the work"))
    work.add_argument("--seconds", type=float, default=sandbox.SECONDS,
                      help=phrase("for a file (default: %(default)g)"))
    work.add_argument("--memory", type=int, default=sandbox.MEBIBYTES, metavar="MIB",
                      help=phrase("for a file, in MiB (default: %(default)s; not limited on Windows and macOS)"))
    work.add_argument("--processes", type=int, metavar="N",
                      help=phrase("how many files to grade at a time (default: one for each core)"))
    work.add_argument("--results", type=Path, metavar="FILE",
                      help=phrase("where results are kept as they come, .jsonl (default: {file} in the folder)",
                                  file=NAME))
    work.add_argument("--fresh", action="store_true", help=phrase("grade again what was graded before"))
    work.add_argument("--compare", type=Path, action="append", default=[], metavar="FOLDER",
                      help=phrase("compare the code with this too, earlier hand-ins or solutions; can be given several "
                                  "times"))
    written = command.add_argument_group(phrase("what is written"))
    written.add_argument("--csv", type=Path, metavar="FILE", help=phrase("a line for each student"))
    written.add_argument("--moodle", type=Path, metavar="FILE", help=phrase("CSV for Moodle: a grading worksheet"))
    written.add_argument("--canvas", type=Path, metavar="FILE",
                         help=phrase("CSV for Canvas: a gradebook of one assignment"))
    written.add_argument("--assignment", default=gradebooks.ASSIGNMENT, metavar="NAME",
                         help=phrase("what its column in Canvas is called (default: %(default)s)"))
    written.add_argument("--feedback", type=Path, metavar="FOLDER",
                         help=phrase("a page for each student, with the reports"))
    add_plot(command, phrase("what went wrong most"))
    add_json(command)
    command.set_defaults(run=run_grade)


def run_grade(options: argparse.Namespace) -> None:
    """`swin-np grade`."""
    check_options(options)
    rules = Rules(options.seed, options.attempts, moment(options.deadline) if options.deadline else None,
                  options.late_days, partial_of(options.partial) if options.partial is not None else NOTHING)
    roster = read_roster(options.roster) if options.roster else []
    store = store_of(options)
    in_files = options.json or options.csv or options.moodle or options.feedback
    code = wanted() if in_files else language()        # files have all letters, a console may not
    limits, what = sandbox.Limits(options.seconds, options.memory), phrase("files")
    try:
        with speaking(code):
            grades, findings = class_grades.grade(
                options.folder, limits, lambda work: with_progress(work, what), rules=rules, roster=roster,
                store=store, compare=options.compare, processes=options.processes)
    except KeyboardInterrupt:
        if store.path:
            progress("swin-np: " + phrase("what was graded is kept in {file}: the same command goes on",
                                          file=printable(str(store.path))))
        raise
    finally:
        store.close()
    if options.moodle:
        gradebooks.tell_of_another_maximum(grades)
    frequent = grade_table.most_frequent(grades)
    if options.json:
        print(json.dumps({"grades": [{**asdict(grade), "points": grade.points} for grade in grades],
                          "most_frequent": frequent, "to_look_at": [asdict(finding) for finding in findings],
                          "notes": options.notes}))
    else:
        show(grades, findings, frequent)
    with speaking(code):
        write(options, grades, findings)
    if options.feedback:
        print(phrase("{count} pages are in {folder}", count=len(grades), folder=printable(str(options.feedback))),
              file=sys.stderr)
    if options.plot:
        from swin_np.plots.classroom import what_went_wrong  # here, so that grading alone needs no matplotlib
        from swin_np.plots.saving import save

        save(what_went_wrong(frequent, len(grades)), options.plot)


def check_options(options: argparse.Namespace) -> None:
    """Raise InputError for numbers that cannot be, and for files that cannot be written."""
    if not (options.seconds > 0 and options.memory > 0):
        raise InputError(f"{options.seconds:g} seconds and {options.memory} MiB were given, expected more than nothing")
    if options.processes is not None and options.processes < 1:
        raise InputError(f"{options.processes} processes were asked for, expected 1 or more")
    if options.late_days is not None and (options.late_days < 0 or not options.deadline):
        raise InputError(f"--late-days {options.late_days} was given, expected 0 or more, and --deadline beside it")
    check_seed(options.seed)
    tables = [options.csv, options.moodle, options.canvas]
    for path in tables:
        output_file(path, TABLE, [options.roster])
    given = [os.path.realpath(path) for path in tables if path]
    if len(given) > len(set(given)):
        raise InputError("two of --csv, --moodle and --canvas name the same file: give each its own")
    output_file(options.plot, FIGURE)
    output_file(options.results, (".jsonl",), [options.roster])
    if options.feedback:
        if options.feedback.resolve().is_relative_to(options.folder.resolve()):
            raise InputError(f"{options.feedback} is inside the folder of the submissions: choose a folder beside it")
        output_folder(options.feedback, ["student.html"])


def store_of(options: argparse.Namespace) -> Store:
    """Where results are kept: the file that was asked for, or one in the folder if that can be written."""
    folder = options.folder if options.folder.is_dir() else options.folder.parent
    path = options.results or (folder / NAME if os.path.isdir(folder) and os.access(folder, os.W_OK) else None)
    store = Store(path)
    if options.fresh:
        store.known.clear()
    return store


def show(grades: list[Grade], findings: list[Finding], frequent: list[tuple[str, str, int]]) -> None:
    """Print the table, what went wrong most, and what to look at."""
    for line in grade_table.rows(grades):
        print(printable(line))
    for exercise, outcome, count in frequent[:MOST_FREQUENT]:
        print(phrase("{count} of {all}: {exercise}, {outcome}", count=count, all=len(grades), exercise=exercise,
                     outcome=phrase(outcome)))
    if findings:
        print(phrase("To look at, which says nothing about why, and takes no points:"))
        for finding in findings:
            print(f"    {printable(grade_table.finding_text(finding))}")


def write(options: argparse.Namespace, grades: list[Grade], findings: list[Finding]) -> None:
    """Write the tables and pages that were asked for."""
    texts = {options.csv: lambda: grade_table.as_csv(grades, findings),
             options.moodle: lambda: gradebooks.moodle(grades),
             options.canvas: lambda: gradebooks.canvas(grades, options.assignment)}
    for path, text in texts.items():
        if path:
            write_text(text(), path)
    if options.feedback:
        for name, text in feedback.pages(grades):
            write_text(text, options.feedback / os.fsdecode(name.encode()))       # a console may know ASCII alone
