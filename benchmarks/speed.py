"""Speed, memory and accuracy of swin_np beside PyTorch, ONNX Runtime and the floor of the matrix products.

After the Swin Transformer come the systems beside it, by swin_np and by PyTorch eager, in half the time; a ViT, whose
attention is quadratic in the pixels, is timed on larger images too, by swin_np alone and with the most threads.

All contenders run in one process, in turn, so that whatever else the machine does meets all of them alike. Larger
images are timed at the first batch size only. Times are medians, ratios those of medians.
"""

import argparse
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, perf_counter

import numpy as np

from benchmarks import accuracy, operations, peak_memory
from benchmarks.contenders import BESIDE, CONTENDERS, OURS, PRODUCTS, Run, draw_images, left_out
from benchmarks.figure import speed_figure
from benchmarks.kept import FOLDER, file_of
from benchmarks.machine import machine
from benchmarks.outputs import ENDINGS, add_json, check_json, give, keep, whole_number
from benchmarks.progress import Progress
from benchmarks.results import Results, Timing, as_json, report
from oracle.twins import redrawn_system
from swin_np import SYSTEMS, VARIANTS, SwinError
from swin_np.arguments.names import check_name
from swin_np.baselines.resnet import ResNet
from swin_np.baselines.vit import VisionTransformer
from swin_np.commands.options import FIGURE, output_file
from swin_np.costs import total
from swin_np.functional import Array
from swin_np.layers import Module
from swin_np.plots import save
from swin_np.systems import resident_memory
from swin_np.systems.registry import architecture_of, for_image_size, layer_costs

EXAMPLE = """example:
  python -m benchmarks.speed --variant swin_t --seconds 20 --keep --figure speed.svg
"""

FEWEST_ROUNDS, FEWEST_BESIDE = 5, 3                    # of Swin, and of the systems beside it
MULTIPLY_ADDS_A_SECOND = 3e10                          # of a core of 2021, for guesses of the time
SAME_LOGITS = 1e-3                                     # of the largest one: contenders that differ more are not alike


def cases(batches: list[int], sizes: list[int]) -> list[tuple[int, int]]:
    """(batch, size): every batch at the first size, and the first batch at the other sizes."""
    return [(batch, sizes[0]) for batch in batches] + [(batches[0], size) for size in sizes[1:]]


def cases_beside(name: str, batches: list[int], sizes: list[int], counts: list[int]) -> list[tuple[int, int, int]]:
    """(batch, size, threads) for a system beside Swin: only ViTs get more than the first size."""
    larger = sizes[1:] if architecture_of(SYSTEMS[name]).model is VisionTransformer else []
    return ([(batch, sizes[0], count) for batch in batches for count in counts]
            + [(batches[0], size, max(counts)) for size in larger])


def beside(size: int, sizes: list[int]) -> tuple[str, ...]:
    """Who runs the systems beside Swin at this size."""
    return BESIDE if size == sizes[0] else (OURS,)


def save_all(model: Module, images: Array, folder: Path, reasons: dict[str, str],
             names: Iterable[str] = CONTENDERS) -> dict[str, Path]:
    """The files of those of the contenders that can be run; the others are added to `reasons`."""
    files = {}
    for name in names:
        contender = CONTENDERS[name]
        if name in reasons:
            continue
        try:
            contender.save(model, images, folder / name)
        except Exception as error:                     # an exporter fails in many ways; the others are still worth it
            if name == OURS:
                raise
            reasons[name] = f"{type(error).__name__}: {error}".splitlines()[0]
        else:
            files[name] = folder / name
    return files


def check_logits(runs: dict[str, Run]) -> None:
    """Run each contender once, and raise SwinError unless all that give logits give the same as swin_np."""
    logits = {name: run() for name, run in runs.items()}
    for name, value in logits.items():
        if value is not None and np.abs(value - logits[OURS]).max() > SAME_LOGITS * np.abs(logits[OURS]).max():
            raise SwinError(f"{name} gives other logits than {OURS}: they do not run the same model, so their times "
                            "say nothing; compare them with swin_np's tests")


def time_in_turn(runs: dict[str, Run], seconds: float, fewest: int = FEWEST_ROUNDS) -> dict[str, list[float]]:
    """Rounds in which each has its turn, until `seconds` are over and the fewest are done; seconds by name.

    In its turn each runs twice, and the second time counts: OpenBLAS's idle threads go on spinning for a while after
    the matrix products and would slow down whoever comes next. A pause instead lets the cores fall asleep, which costs
    most where threads wait for each other most often.
    """
    times = {name: [] for name in runs}
    end = monotonic() + seconds
    while monotonic() < end or len(times[OURS]) < fewest:
        for name, run in runs.items():
            run()
            start = perf_counter()
            run()
            times[name].append(perf_counter() - start)
    return times


def time_case(files: dict[str, Path], images: Array, threads: int, seconds: float,
              fewest: int = FEWEST_ROUNDS) -> list[Timing]:
    """The times of all contenders on these images."""
    runs = {name: CONTENDERS[name].load(path, images, threads) for name, path in files.items()}
    check_logits(runs)
    times = time_in_turn(runs, seconds, fewest)
    return [Timing(name, len(images), images.shape[-1], threads, times[name]) for name in runs]


def steps(options: argparse.Namespace) -> dict[str, float]:
    """Every step by name with its guessed seconds, for Swin-T on a machine of 2021."""
    guesses = {}
    for batch, size in cases(options.batches, options.sizes):
        once = 0.15 * batch * (size / 224) ** 2        # seconds of one forward pass
        for threads in options.threads:
            guesses[step_name(batch, size, threads)] = max(options.seconds, 2 * 5 * 5 * once / threads) + 5 * once + 6
        guesses[f"memory, batch {batch} at {size}"] = 4 * (3 * once + 5)
        guesses[f"profile, batch {batch} at {size}"] = 12 * once
    guesses["accuracy"] = 20.0
    for name in options.beside:
        for batch, size, threads in cases_beside(name, options.batches, options.sizes, options.threads):
            once = batch * multiply_adds(name, size) / MULTIPLY_ADDS_A_SECOND / threads
            rounds = 2 * len(beside(size, options.sizes)) * FEWEST_BESIDE
            guesses[f"{name}, {step_name(batch, size, threads)}"] = max(options.seconds / 2, rounds * once) + once + 6
        guesses[f"{name}, memory"] = 12.0
    return guesses


def multiply_adds(name: str, size: int) -> int:
    """Of a system on one image of this side."""
    return total(layer_costs(for_image_size(SYSTEMS[name], size), size)).multiply_adds


def step_name(batch: int, size: int, threads: int) -> str:
    """What the progress line calls a timed case."""
    return f"times, batch {batch} at {size}, {threads} thread{'s' * (threads > 1)}"


def measure(options: argparse.Namespace) -> Results:
    """All measurements, in the order of `steps`."""
    # imported here, since --help and the errors do without PyTorch
    from oracle.swin_twin import redrawn_variant

    results, progress = Results(options.variant, machine(), left_out()), Progress(steps(options))
    model = redrawn_variant(options.variant, seed=0)
    for batch, size in cases(options.batches, options.sizes):
        images = draw_images(batch, size)
        with TemporaryDirectory() as folder:
            files = save_all(model, images, Path(folder), results.left_out)
            for threads in options.threads:
                progress(step_name(batch, size, threads))
                results.timings += time_case(files, images, threads, options.seconds)
            progress(f"memory, batch {batch} at {size}")
            if resident_memory.measurable():
                results.memory += [peak_memory.measure(name, path, batch, size, max(options.threads))
                                   for name, path in files.items() if name != PRODUCTS]
        progress(f"profile, batch {batch} at {size}")
        results.profile += operations.measure(model, images)
    progress("accuracy")
    results.accuracy = accuracy.measure(options.variant, seed=0)
    results.beside = [measure_beside(name, options, progress) for name in options.beside]
    return results


def measure_beside(name: str, options: argparse.Namespace, progress: Progress) -> Results:
    """Times of a system beside Swin in all its cases, and its memory in the first."""
    results = Results(name, {}, {})
    cases = cases_beside(name, options.batches, options.sizes, options.threads)
    with TemporaryDirectory() as folder:
        saved = {}                                     # by size: the files of a model for it
        for batch, size, threads in cases:
            progress(f"{name}, {step_name(batch, size, threads)}")
            if size not in saved:
                (path := Path(folder) / str(size)).mkdir()
                saved[size] = save_all(redrawn_system(name, size), draw_images(1, size), path, results.left_out,
                                       beside(size, options.sizes))
            results.timings += time_case(saved[size], draw_images(batch, size), threads, options.seconds / 2,
                                         FEWEST_BESIDE)
        progress(f"{name}, memory")
        if resident_memory.measurable():
            batch, size, _ = cases[0]
            results.memory = [peak_memory.measure(contender, path, batch, size, max(options.threads))
                              for contender, path in saved[size].items()]
    return results


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser("python -m benchmarks.speed", description=__doc__, epilog=EXAMPLE,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variant", default="swin_t", metavar="NAME",
                        help=f"which model (default: swin_t; known: {', '.join(VARIANTS)})")
    parser.add_argument("--beside", nargs="*", default=["vit_b_16", "resnet_50", "res2net_50_26w_4s"], metavar="NAME",
                        help="ViTs, ResNets and Res2Nets to time as well (default: vit_b_16 resnet_50 "
                             "res2net_50_26w_4s; none: leave the names out)")
    parser.add_argument("--batches", nargs="+", type=whole_number, default=[1, 8], metavar="B",
                        help="batch sizes at the first image size; the first of them at the others (default: 1 8)")
    parser.add_argument("--threads", nargs="+", type=whole_number, default=[1, 2], metavar="N",
                        help="numbers of threads (default: 1 2)")
    parser.add_argument("--sizes", nargs="+", type=whole_number, default=[224, 448, 896], metavar="PIXELS",
                        help="sides of the images (default: 224 448 896)")
    parser.add_argument("--seconds", type=float, default=20.0,
                        help="how long each case is repeated, at least five times (default: 20)")
    add_json(parser)
    parser.add_argument("--keep", type=Path, nargs="?", const=FOLDER, metavar="FOLDER",
                        help="keep the run as JSON by the processor's name, in FOLDER (default: benchmarks/results)")
    parser.add_argument("--figure", type=Path, metavar="PATH", help="draw the results, as .svg or .png")
    return parser.parse_args(arguments)


def check(options: argparse.Namespace) -> None:
    """Raise SwinError for what would be noticed only after the measurements, and where PyTorch is missing."""
    check_name("variant", options.variant, VARIANTS)
    for name in options.beside:
        check_name("system with a PyTorch twin", name, (name for name, config in SYSTEMS.items() if issubclass(
            architecture_of(config).model, VisionTransformer | ResNet)))
    check_json(options.json)
    output_file(options.figure, FIGURE)
    output_file(options.keep and file_of(options.keep, machine()), ENDINGS)
    if not (find_spec("torch") and find_spec("transformers")):
        raise SwinError(accuracy.MISSING)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0, or 2 after one sentence on what the user has to change."""
    options = parse(arguments)
    try:
        check(options)
        results = measure(options)
        give(results, options.json, as_json, report)
        if options.keep:
            keep(as_json(results), file_of(options.keep, results.machine))
        if options.figure:
            save(speed_figure(results), options.figure)
    except SwinError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
