"""Accuracy on a photograph: how far swin_np and PyTorch (transformers) in float32 are from swin_np in float64."""

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from importlib.util import find_spec

import numpy as np

from swin_np import VARIANTS, SwinError, images
from swin_np.functional import Array
from swin_np.names import check_name

MISSING = "the comparison needs PyTorch and transformers: install them with `pip install torch transformers`"

EXAMPLE = """example:
  python -m benchmarks.accuracy --variants swin_t swin_b_384
"""


@dataclass
class Accuracy:
    """The largest differences in one output of one variant; the truth is swin_np's float64."""

    variant: str
    output: str                                        # logits, feature_maps.0, ...
    scale: float                                       # the largest value of the truth
    ours_float32: float                                # swin_np in float32 against the truth
    theirs_float32: float                              # transformers in float32 against the truth
    float64: float                                     # transformers in float64 against the truth


def largest_difference(ours: Array, theirs: Array) -> float:
    """max |ours - theirs|, taken in float64."""
    return float(np.abs(ours.astype(np.float64) - theirs.astype(np.float64)).max())


def photograph(variant: str) -> Array:
    """The sample photograph as the variant takes it, (1, 3, H, W) float32."""
    preset = images.PRESETS["microsoft_384" if variant.endswith("384") else "microsoft"]
    return images.preprocess(images.load(images.sample_photograph()), preset)


def measure(variant: str, seed: int) -> list[Accuracy]:
    """The accuracy of logits, pooled features and feature maps, on weights drawn large from `seed`."""
    # imported here, since --help and the errors do without them
    import torch

    from benchmarks.oracle import our_outputs, redrawn_variant, their_outputs, torch_twin

    image, model = photograph(variant), redrawn_variant(variant, seed)
    truth = our_outputs(model.astype(np.float64), image.astype(np.float64))
    theirs_float64 = their_outputs(torch_twin(model, torch.float64), image)
    ours = our_outputs(model, image)
    theirs = their_outputs(torch_twin(model, torch.float32), image)
    return [Accuracy(variant, name, float(np.abs(true).max()), largest_difference(ours[name], true),
                     largest_difference(theirs[name], true), largest_difference(theirs_float64[name], true))
            for name, true in truth.items() if not name.startswith("stage_outputs")]


def table(rows: list[Accuracy]) -> str:
    """The rows as Markdown."""
    lines = ["| variant | output | scale | swin_np float32 | PyTorch float32 | swin_np - PyTorch in float64 |",
             "|---|---|---|---|---|---|"]
    lines += [f"| {row.variant} | {row.output} | {row.scale:.3g} | {row.ours_float32:.1e} | {row.theirs_float32:.1e} "
              f"| {row.float64:.1e} |" for row in rows]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0, or 2 after one sentence on what the user has to change."""
    parser = argparse.ArgumentParser("python -m benchmarks.accuracy", description=__doc__, epilog=EXAMPLE,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), metavar="NAME",
                        help=f"which models (default: all of {', '.join(VARIANTS)})")
    parser.add_argument("--seed", type=int, default=0, help="of the weights, which are drawn large (default: 0)")
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
    options = parser.parse_args(arguments)
    try:
        for variant in options.variants:
            check_name("variant", variant, VARIANTS)
    except SwinError as error:
        print(error, file=sys.stderr)
        return 2
    if not (find_spec("torch") and find_spec("transformers")):
        print(MISSING, file=sys.stderr)
        return 2
    rows = []
    for number, variant in enumerate(options.variants, 1):
        print(f"{number} of {len(options.variants)}: {variant}", file=sys.stderr, flush=True)
        rows += measure(variant, options.seed)
    print(json.dumps([asdict(row) for row in rows], indent=2) if options.json else table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
