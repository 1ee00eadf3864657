"""What a failing check says of wrong answers: how many get a name, how many a sentence on where, how many numbers only.

The answers are those of tests/exercises/wrong_answers.py, and with --mutants a sample of the changes of the solutions.
"""

import argparse
import sys

from tests.exercises.messages import kind, mutants, table, wrong_answers

EXAMPLE = """examples:
  python -m benchmarks.messages
  python -m benchmarks.messages --every 4 --show "numbers only"
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 2 after a sentence on what the user has to change."""
    parser = argparse.ArgumentParser("python -m benchmarks.messages", description=__doc__, epilog=EXAMPLE,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every Nth wrong answer only")
    parser.add_argument("--mutants", type=int, metavar="N", help="every Nth mutant in place of the wrong answers")
    parser.add_argument("--show", metavar="KIND", help="print the reports of this kind too")
    options = parser.parse_args(arguments)
    if options.every < 1 or (options.mutants is not None and options.mutants < 1):
        print("expected 1 or more for --every and --mutants", file=sys.stderr)
        return 2
    found = list(wrong_answers(options.every) if options.mutants is None else mutants(options.mutants))
    print(table(found))
    for name, what, result in found:
        if kind(result) == options.show:
            print(f"\n{name}, {what}\n{result.report}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
