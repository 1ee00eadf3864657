"""Accuracy on a photograph: how far swin_np and PyTorch (transformers) in float32 are from swin_np in float64."""

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from importlib.util import find_spec

import numpy as np

from swin_np import SYSTEMS, VARIANTS, SwinError, images
from swin_np.arguments.names import check_name
from swin_np.baselines.resnet import ResNet
from swin_np.baselines.vit import VisionTransformer
from swin_np.functional import Array
from swin_np.preprocessing.choice import preset_for
from swin_np.systems.registry import architecture_of, image_size

MISSING = "the comparison needs PyTorch and transformers: install them with `pip install torch transformers`"

EXAMPLE = """example:
  python -m benchmarks.accuracy --variants swin_t swin_b_384 vit_b_16
"""

BESIDE = tuple(name for name, config in SYSTEMS.items()
               if issubclass(architecture_of(config).model, VisionTransformer | ResNet))
"""The systems beside Swin that have a twin in PyTorch: ViT, DeiT, ResNet, ResNeXt and Res2Net."""

USUAL = (*VARIANTS, "vit_b_16", "vit_l_16", "deit_b_distilled", "resnet_50", "resnet_152", "resnext_50_32x4d",
         "res2net_50_26w_4s", "res2net_101_26w_4s")
"""What is measured if no variant is named."""


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
    preset = preset_for("microsoft", image_size(SYSTEMS[variant]))
    return images.preprocess(images.load(images.sample_photograph()), preset)


def measure(variant: str, seed: int) -> list[Accuracy]:
    """The accuracy on weights drawn large from `seed`: of the logits, in a Swin of features and feature maps too."""
    return measure_swin(variant, seed) if variant in VARIANTS else measure_beside(variant, seed)


def measure_swin(variant: str, seed: int) -> list[Accuracy]:
    """One of the paper's models."""
    # imported here, since --help and the errors do without them
    import torch

    from oracle.swin_twin import our_outputs, redrawn_variant, their_outputs, torch_twin

    image, model = photograph(variant), redrawn_variant(variant, seed)
    truth = our_outputs(model.astype(np.float64), image.astype(np.float64))
    theirs_float64 = their_outputs(torch_twin(model, torch.float64), image)
    ours = our_outputs(model, image)
    theirs = their_outputs(torch_twin(model, torch.float32), image)
    return [compared(variant, name, true, ours[name], theirs[name], theirs_float64[name])
            for name, true in truth.items() if not name.startswith("stage_outputs")]


def measure_beside(variant: str, seed: int) -> list[Accuracy]:
    """One of BESIDE; its logits only."""
    import torch

    from oracle.twins import redrawn_system, torch_twin

    image = photograph(variant)
    model, logits = redrawn_system(variant, image.shape[-1], seed), {}
    for dtype in (np.float32, np.float64):
        single, batch = model.astype(dtype), image.astype(dtype)
        with torch.inference_mode():
            logits[dtype] = single(batch), torch_twin(single, "sdpa")(torch.from_numpy(batch)).logits.numpy()
    (ours, theirs), (truth, theirs_float64) = logits[np.float32], logits[np.float64]
    return [compared(variant, "logits", truth, ours, theirs, theirs_float64)]


def compared(variant: str, output: str, truth: Array, ours: Array, theirs: Array, theirs_float64: Array) -> Accuracy:
    """The row of one output."""
    return Accuracy(variant, output, float(np.abs(truth).max()), largest_difference(ours, truth),
                    largest_difference(theirs, truth), largest_difference(theirs_float64, truth))


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
    parser.add_argument("--variants", nargs="+", default=USUAL, metavar="NAME",
                        help=f"which models, of {', '.join((*VARIANTS, *BESIDE))} (default: {' '.join(USUAL)})")
    parser.add_argument("--seed", type=int, default=0, help="of the weights, which are drawn large (default: 0)")
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
    options = parser.parse_args(arguments)
    try:
        for variant in options.variants:
            check_name("variant", variant, (*VARIANTS, *BESIDE))
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
