"""The referee on trial: are planted mistakes found and named, and are correct candidates left in peace?

Every mistake of the catalogue is planted in the NumPy model and, by other means, in the transformers model; pairs of
mistakes are planted at once; and correct candidates of many dtypes, layouts and orders of summation are checked.
"""

import argparse
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from functools import cache, partial
from importlib.util import find_spec

import numpy as np

from oracle.small_models import EVEN, ODD, config_for, model_and_images, module_outputs
from swin_np import SwinConfig, SwinTransformer, edit, threads, trace, windows
from swin_np.commands.terminal import progress, with_progress
from swin_np.crosscheck.candidates import Candidate
from swin_np.crosscheck.clock import UNLIMITED
from swin_np.crosscheck.layouts import Axes
from swin_np.crosscheck.noise import root_mean_square
from swin_np.crosscheck.referee import crosscheck
from swin_np.crosscheck.reference import Reference
from swin_np.crosscheck.report import Report
from swin_np.errors import ConfigurationError
from swin_np.functional import Array
from swin_np.mistakes.catalogue import CATALOGUE, planted
from swin_np.mistakes.mistake import Mistake

PAIRS, CORRECT = 200, 200                              # how many are tried
QUICK = 10                                             # with --quick, every tenth of all
LARGER = 10                                            # times the rounding: smaller mistakes do not count
MISSING = "the trial needs PyTorch and transformers: install them with `pip install torch transformers`"

EXAMPLE = """example:
  python -m benchmarks.referee --quick
"""

IN_MODEL = [entry for entry in CATALOGUE.values() if entry.modules != "input"]


@dataclass(frozen=True)
class Row:
    """One line of the table: how many were tried, and of these how many the referee got right.

    left_out: not tried, because a mistake is no larger than the rounding, or because one of two hides the other.
    differ: found to differ (of correct candidates: falsely). located: for every mistake there is a finding at a module
    where it can show first. named: every mistake's name is among the findings or their alternatives. alone: every name
    is, and nothing else.
    """

    what: str
    tried: int
    left_out: int
    differ: int
    located: int
    named: int
    alone: int


@cache
def reference_for(config: SwinConfig, seed: int) -> Reference:
    return Reference.of(*model_and_images(config, seed))


def numpy_candidate(model: SwinTransformer, images: Array, *mistakes: Mistake,
                    precision: str = "float32") -> dict[str, Array]:
    """What the NumPy model gives with mistakes planted.

    precision: of 16 bits, in which the parameters, the images and every result are then stored; sums are float32.
    """
    rounding: AbstractContextManager = nullcontext()
    if precision != "float32":
        model, images = model.astype(np.float32), stored(images, precision)
        model.place({name: stored(value, precision) for name, value in model.state_dict().items()})
        rounding = edit(model, "*", lambda value: stored(value, precision))
    with planted(*mistakes), trace(model) as recorded, rounding:
        model(images)
    return module_outputs(model, recorded)


def stored(x: Array, precision: str) -> Array:
    """x rounded to the numbers of a 16-bit format, as float32."""
    if precision == "float16":
        return x.astype(np.float16).astype(np.float32)
    bits = np.ascontiguousarray(x).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).view(np.float32)     # half to even


def torch_candidate(config: SwinConfig, seed: int, precision: str, mistake: Mistake | None = None,
                    attention: str = "sdpa") -> dict[str, Array]:
    """What the transformers model gives in a precision, perhaps with a mistake planted by other means."""
    import torch

    from oracle.planted_mistakes import PLANTED_IN_TORCH
    from oracle.swin_twin import torch_twin
    from swin_np.crosscheck.torch_models import record

    model, images = model_and_images(config, seed)
    twin = torch_twin(model, getattr(torch, precision), attention)
    if mistake is not None:
        PLANTED_IN_TORCH[mistake.name](twin)
    return record(twin, images)


def judge(report: Report, mistakes: tuple[Mistake, ...]) -> tuple[bool, bool, bool, bool]:
    """(found to differ, all located, all named, all named without alternatives)."""
    found = [[finding for finding in report.findings if entry.name in (finding.mistake, *finding.alternatives)]
             for entry in mistakes]
    located = all(any(re.fullmatch(entry.modules, module) for finding in report.findings for module in finding.modules)
                  for entry in mistakes)
    named = all(found)
    alone = named and all(any(finding.mistake == entry.name and not finding.alternatives for finding in findings)
                          for entry, findings in zip(mistakes, found, strict=True))
    return report.verdict == "differ", located, named, alone and len(report.findings) == len(mistakes)


def row(what: str, trials: list[tuple[tuple[Mistake, ...], Callable[[], dict[str, Array]]]],
        seed: int, say: Callable[[str], None], left_out: int = 0) -> Row:
    """Judge every trial: (the mistakes planted, what gives the candidate's points)."""
    judged = []
    for mistakes, make in with_progress(trials, what):
        report = crosscheck(reference_for(config_for(*mistakes), seed), Candidate(make()), clock=UNLIMITED)
        judged.append(judge(report, mistakes))
        if not all(judged[-1]):
            say(f"{what}: {' and '.join(entry.name for entry in mistakes)}: found " + ("; ".join(
                f"{finding.mistake} at {finding.module}" + (f" or {', '.join(finding.alternatives)}"
                                                            if finding.alternatives else "")
                for finding in report.findings) or "nothing"))
    return Row(what, len(judged), left_out, *(sum(each[k] for each in judged) for k in range(4)))


def singles(model: str, precision: str, seed: int, every: int, say: Callable[[str], None]) -> Row:
    """Each mistake in one of the models, as far as it is larger than the rounding."""
    tried = IN_MODEL[::every]
    chosen = [entry for entry in tried if precision == "float32" or larger_than_rounding(entry, precision, seed)]

    def make(entry: Mistake) -> dict[str, Array]:
        if model == "NumPy":
            return numpy_candidate(*model_and_images(config_for(entry), seed), entry, precision=precision)
        return torch_candidate(config_for(entry), seed, precision, entry)

    trials = [((entry,), partial(make, entry)) for entry in chosen]
    return row(f"one mistake, {model}, {precision}", trials, seed, say, len(tried) - len(chosen))


def larger_than_rounding(mistake: Mistake, precision: str, seed: int) -> bool:
    """Whether a mistake changes some module at which it can show first by far more than a correct candidate errs."""
    config = config_for(mistake)
    model, images = model_and_images(config, seed)
    errors = rounding_errors(config, seed, precision)
    right = reference_for(config, seed).points
    with planted(mistake), trace(model) as wrong:
        model(images)
    return any(re.fullmatch(mistake.modules, name) and (wrong[name].shape != right[name].shape or root_mean_square(
        wrong[name] - right[name]) > LARGER * error) for name, error in errors.items() if name in wrong)


@cache
def rounding_errors(config: SwinConfig, seed: int, precision: str) -> dict[str, float]:
    """The root mean square error of a correct candidate at every module."""
    report = crosscheck(reference_for(config, seed), Candidate(torch_candidate(config, seed, precision)),
                        clock=UNLIMITED)
    points = reference_for(config, seed).points
    return {point.name: point.whole.relative * root_mean_square(points[point.name]) for point in report.points}


def pairs(count: int, seed: int, say: Callable[[str], None]) -> Row:
    """Two mistakes at once, drawn from those in different functions, in the NumPy model.

    A pair in which one mistake hides the other, so that no number tells of it, is drawn again and counted.
    """
    rng, trials, hidden = np.random.default_rng(seed), [], 0
    while len(trials) < count:
        chosen = tuple(IN_MODEL[i] for i in rng.choice(len(IN_MODEL), 2, replace=False))
        if chosen[0].replaces == chosen[1].replaces:
            continue
        make = partial(numpy_candidate, *model_and_images(config_for(*chosen), seed))
        try:
            points = make(*chosen)
        except (ConfigurationError, IndexError, ValueError) as error:
            say(f"{chosen[0].name} and {chosen[1].name} cannot be planted together: {error}")
            continue
        if any(all(np.array_equal(value, points[name]) for name, value in make(one).items()) for one in chosen):
            hidden += 1
        else:
            trials.append((chosen, partial(make, *chosen)))
    return row("two mistakes, NumPy, float32", trials, seed, say, hidden)


def correct_candidates(count: int, say: Callable[[str], None]) -> Row:
    """Candidates without a mistake, each of another kind and with other weights."""
    kinds = list(KINDS)
    differ = 0
    for number in with_progress(range(count), "correct candidates"):
        kind, config = kinds[number % len(kinds)], (EVEN, ODD)[number // len(kinds) % 2]
        seed = 100 + number // (2 * len(kinds))
        rng = np.random.default_rng(number)
        report = crosscheck(reference_for(config, seed), Candidate(KINDS[kind](config, seed, rng)),
                        clock=UNLIMITED)
        if report.verdict != "agree":
            differ += 1
            say(f"correct candidate {number} ({kind}): found to differ: {[f.sentence for f in report.findings]}")
    return Row("no mistake", count, 0, differ, 0, 0, 0)


def in_float64(config: SwinConfig, seed: int, rng: np.random.Generator) -> dict[str, Array]:
    model, images = model_and_images(config, seed)
    return numpy_candidate(model.astype(np.float64), images.astype(np.float64))


def on_threads(config: SwinConfig, seed: int, rng: np.random.Generator) -> dict[str, Array]:
    """The whole traces, with every step; the number of threads is drawn."""
    model, images = model_and_images(config, seed)
    with threads(int(rng.integers(1, 4))), trace(model) as recorded:
        model(images)
    return dict(recorded)


def in_another_order(config: SwinConfig, seed: int, rng: np.random.Generator) -> dict[str, Array]:
    """All channels between the layers in another order, so that every sum runs in another order."""
    model, images = model_and_images(config, seed)
    order = rng.permutation(images.shape[1])           # of colours: the only order that no layer shares
    other = model.astype(np.float64).astype(np.float32)
    state = dict(other.state_dict())
    state["patch_embed.proj.weight"] = state["patch_embed.proj.weight"][:, order]
    for name, value in list(state.items()):
        if name.endswith("mlp.fc1.weight"):
            hidden, block = rng.permutation(len(value)), name.removesuffix("fc1.weight")
            state |= {name: value[hidden], f"{block}fc1.bias": state[f"{block}fc1.bias"][hidden],
                      f"{block}fc2.weight": state[f"{block}fc2.weight"][:, hidden]}
    other.place(state)
    points = numpy_candidate(other, images[:, order])
    return {name: value for name, value in points.items() if not name.endswith("fc1")}


def in_other_layouts(config: SwinConfig, seed: int, rng: np.random.Generator) -> dict[str, Array]:
    """Each point in a layout drawn at random, and only some of the points."""
    reference = reference_for(config, seed)
    points = numpy_candidate(*model_and_images(config, seed))
    chosen = {name: laid_out(value, reference.axes[name], rng) for name, value in points.items() if rng.random() < 0.7}
    return chosen or points


def laid_out(value: Array, axes: Axes, rng: np.random.Generator) -> Array:
    """The value, as the reference has it, in one of the layouts of its point."""
    layout = list(axes.layouts.values())[rng.integers(len(axes.layouts))]
    letters = layout.replace(" ", "")
    apart = value.reshape(axes.shape).transpose([list(axes.lengths).index(letter) for letter in letters])
    return apart.reshape([int(np.prod([axes.lengths[letter] for letter in group])) for group in layout.split()])


def with_infinite_masks(config: SwinConfig, seed: int, rng: np.random.Generator) -> dict[str, Array]:
    """A mask of minus infinity in place of -100."""
    right = windows.shifted_window_mask
    infinite = Mistake("infinite-mask", "swin_np.windows.shifted_window_mask", lambda *sizes: np.where(
        right(*sizes) < 0, np.float32(-np.inf), np.float32(0)), "", "", "", "")
    model, images = model_and_images(config, seed)
    with planted(infinite), trace(model) as recorded:
        model(images)
    return dict(recorded)


def in_torch(precision: str, attention: str) -> Callable[[SwinConfig, int, np.random.Generator], dict[str, Array]]:
    return lambda config, seed, rng: torch_candidate(config, seed, precision, None, attention)


KINDS: dict[str, Callable[[SwinConfig, int, np.random.Generator], dict[str, Array]]] = {
    "NumPy float32, every step, 1 to 3 threads": on_threads,
    "NumPy float64": in_float64,
    "NumPy float32, other orders of summation": in_another_order,
    "NumPy float32, other layouts, some points": in_other_layouts,
    "NumPy float32, masks of minus infinity": with_infinite_masks,
    **{f"transformers {precision}, {attention}": in_torch(precision, attention)
       for precision in ("float64", "float32", "float16", "bfloat16") for attention in ("sdpa", "eager")},
}
"""Correct candidates by what is special about them."""


def trials(quick: bool, seed: int, say: Callable[[str], None]) -> Iterator[Row]:
    """All lines of the table, one after the other."""
    every = QUICK if quick else 1
    for model in ("NumPy", "transformers"):
        for precision in ("float32", "float16", "bfloat16"):
            yield singles(model, precision, seed, every, say)
    yield pairs(PAIRS // every, seed, say)
    yield correct_candidates(CORRECT // every, say)


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    lines = ["| planted | tried | left out | found to differ | located | named | named, and nothing else |",
             "|---|---|---|---|---|---|---|"]
    lines += [f"| {each.what} | {each.tried} | {each.left_out} | {each.differ} | {each.located} | {each.named} "
              f"| {each.alone} |" for each in rows]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0, or 2 after one sentence on what the user has to change."""
    parser = argparse.ArgumentParser("python -m benchmarks.referee", description=__doc__, epilog=EXAMPLE,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="every tenth trial only")
    parser.add_argument("--seed", type=int, default=11, help="of weights, images and pairs (default: 11)")
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
    options = parser.parse_args(arguments)
    if not (find_spec("torch") and find_spec("transformers")):
        print(MISSING, file=sys.stderr)
        return 2
    rows, start = [], time.monotonic()
    for each in trials(options.quick, options.seed, progress):
        rows.append(each)
        progress(f"after {time.monotonic() - start:.0f} s: {each}")
    print(json.dumps([asdict(each) for each in rows], indent=2) if options.json else table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
