"""The referee on reduced precision: correct ports in twelve arithmetics, and mistakes above their noise.

A port of another hand computes in each arithmetic; dumped are the outputs of its blocks, of its modules, or every step.
Then each mistake of the catalogue is planted in the transformers model, whose products are rounded below PyTorch. It is
above the noise if in float32 it moves some module alone three times as far as correct numbers may be off in the
arithmetic.
"""

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec

from benchmarks.foreign import DEPTHS, reference_for
from oracle.small_models import config_for, model_and_images
from swin_np.commands.terminal import progress, with_progress
from swin_np.crosscheck.candidates import Candidate
from swin_np.crosscheck.clock import UNLIMITED
from swin_np.crosscheck.referee import crosscheck
from swin_np.crosscheck.reference import Reference
from swin_np.crosscheck.report import Report
from swin_np.functional import Array
from swin_np.mistakes.catalogue import CATALOGUE
from swin_np.mistakes.mistake import Mistake

SEEDS = 10
ABOVE = 3.0                                            # times the tolerance
MISSING = "the trial needs PyTorch and transformers: install them with `pip install torch transformers`"

EXAMPLE = """example:
  python -m benchmarks.arithmetic --seeds 2 --every 10
"""


@dataclass(frozen=True)
class Row:
    """One arithmetic: how many correct ports were tried, how many of them were found to differ; how many mistakes are
    above its noise, found to differ, and named."""

    arithmetic: str
    correct: int
    alarms: int
    above: int
    found: int
    named: int


def alarms(name: str, seeds: int) -> tuple[int, int]:
    """(how many correct ports, how many of them are found to differ)."""
    from oracle.foreign_port import PATTERNS, Port, tiny_model
    from oracle.reduced_precision import SCHEMES

    tried = differ = 0
    for seed in range(seeds):
        model, images = tiny_model(seed)
        for depth in DEPTHS:
            port = Port(model)
            SCHEMES[name](port)
            report = crosscheck(reference_for(seed, (48, 64)), Candidate(port.dump(images, PATTERNS[depth])),
                                clock=UNLIMITED)
            tried += 1
            if report.verdict != "agree":
                differ += 1
                progress(f"{name}, seed {seed}, {depth}: {report.summary()}")
    return tried, differ


def points_of(mistake: Mistake | None, needs: Mistake, rounding: object = None) -> dict[str, Array]:
    """The outputs of the transformers model's modules, with a mistake and rounded products, or without either."""
    import torch

    from oracle.planted_mistakes import PLANTED_IN_TORCH
    from oracle.rounded_products import RoundedProducts
    from oracle.swin_twin import torch_twin
    from swin_np.crosscheck.torch_models import record

    model, images = model_and_images(config_for(needs))
    twin = torch_twin(model, torch.float32, "eager")
    if mistake is not None:
        PLANTED_IN_TORCH[mistake.name](twin)
    if rounding is None:
        return record(twin, images)
    with RoundedProducts(rounding):
        return record(twin, images)


def roundings() -> dict[str, object]:
    """The arithmetics of products by their names in oracle.reduced_precision, as functions of a tensor."""
    import torch

    from oracle.reduced_precision import float8, integers, tf32, through

    return {"products of TF32, rounded": partial(tf32, truncated=False),
            "products of TF32, truncated": partial(tf32, truncated=True),
            "products of bfloat16": partial(through, dtype=torch.bfloat16),
            "products of float16": partial(through, dtype=torch.float16),
            "products of int8, a scale for each tensor": partial(integers, bits=8, per_row=False),
            "products of int8, a scale for each channel": partial(integers, bits=8, per_row=True),
            "products of float8 (e4m3)": float8}


def errors_alone(report: Report) -> dict[str, float]:
    """The root mean square error of each point on its own."""
    return {point.name: point.alone.excess * point.alone.tolerance.typical for point in report.points if point.alone}


def with_mistakes(name: str, mistakes: list[Mistake]) -> tuple[int, int, int]:
    """(mistakes above the noise, of them found to differ, of them named)."""
    rounding, above, found, named = roundings()[name], 0, 0, 0
    for mistake in with_progress(mistakes, name):
        reference = Reference.of(*model_and_images(config_for(mistake)))
        right = crosscheck(reference, Candidate(points_of(None, mistake, rounding)), clock=UNLIMITED)
        own = crosscheck(reference, Candidate(points_of(mistake, mistake)), clock=UNLIMITED)
        allowed = {point.name: point.alone.tolerance.typical for point in right.points if point.alone}
        if not any(error > ABOVE * allowed[point] for point, error in errors_alone(own).items() if point in allowed):
            continue
        report = crosscheck(reference, Candidate(points_of(mistake, mistake, rounding)), clock=UNLIMITED)
        is_named = any(mistake.name in (finding.mistake, *finding.alternatives) for finding in report.findings)
        above, found, named = above + 1, found + (report.verdict == "differ"), named + is_named
        if not is_named:
            progress(f"{name}, {mistake.name}: {report.summary()} "
                     f"{[(finding.module, finding.mistake) for finding in report.findings]}")
    return above, found, named


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    lines = ["| arithmetic | correct ports | found to differ | mistakes above the noise | found to differ | named |",
             "|---|---|---|---|---|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(str(value) for value in asdict(row).values())} |" for row in rows)])


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0, or 2 after one sentence on what the user has to change."""
    parser = argparse.ArgumentParser("python -m benchmarks.arithmetic", description=__doc__, epilog=EXAMPLE,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="of correct ports (default: %(default)s)")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every Nth mistake only (default: all)")
    parser.add_argument("--only", default="", metavar="WORDS", help="arithmetics whose name has these words")
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
    options = parser.parse_args(arguments)
    if not (find_spec("torch") and find_spec("transformers")):
        print(MISSING, file=sys.stderr)
        return 2
    from oracle.reduced_precision import SCHEMES

    in_model = [entry for entry in CATALOGUE.values() if entry.modules != "input"]
    rows = []
    for name in SCHEMES:
        if options.only in name:
            correct = alarms(name, options.seeds)
            mistakes = with_mistakes(name, in_model[::options.every]) if name in roundings() else (0, 0, 0)
            rows.append(Row(name, *correct, *mistakes))
            progress(f"{name}: {correct[1]} of {correct[0]} correct ports differ; {mistakes[2]} of {mistakes[0]} named")
    print(json.dumps([asdict(row) for row in rows], indent=2) if options.json else table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
