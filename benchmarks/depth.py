"""How rounding grows with depth: the output of every layer beside PyTorch's (transformers), in float32 and float64.

One photograph, weights drawn large. The file that `--json` writes is what the figure of the errors by depth is drawn
from, so that it can be drawn without PyTorch.
"""

import argparse
import json
import sys
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from benchmarks.accuracy import MISSING, largest_difference, photograph
from benchmarks.outputs import check_json, keep
from swin_np import VARIANTS, SwinError, SwinTransformer, trace
from swin_np.arguments.names import check_name
from swin_np.functional import Array
from swin_np.plots.depth import LayerError

EXAMPLE = """example:
  python -m benchmarks.depth --json swin_np/data/error_by_depth.json
"""


def layers(model: SwinTransformer) -> list[str]:
    """The layers that are compared, by official name: embedding, blocks, mergings, norm, head."""
    return ["patch_embed", *(name for step in model.chain() for name in step.modules), "norm", "head"]


def our_layers(model: SwinTransformer, images: Array) -> dict[str, Array]:
    """The output of each layer of ours, a row for every token: (B h w, C)."""
    with trace(model) as activations:
        model(images)
    return {name: activations[name].reshape(-1, activations[name].shape[-1]) for name in layers(model)}


def their_layers(model: SwinTransformer, images: Array, dtype: type) -> dict[str, Array]:
    """The same of the transformers model with the weights of `model`."""
    # imported here, since --help and the errors do without them
    import torch

    from oracle.swin_twin import torch_twin

    twin, found = torch_twin(model, {np.float32: torch.float32, np.float64: torch.float64}[dtype]), {}
    modules = {"patch_embed": twin.swin.embeddings, "norm": twin.swin.layernorm, "head": twin.classifier}
    for i, stage in enumerate(twin.swin.encoder.layers):
        modules.update({f"layers.{i}.blocks.{j}": block for j, block in enumerate(stage.blocks)})
        modules[f"layers.{i}.downsample"] = stage.downsample

    def keep(name: str):
        def hook(module, inputs, output) -> None:
            output = output[0] if isinstance(output, tuple) else output
            found[name] = output.numpy().reshape(-1, output.shape[-1])
        return hook

    for name in layers(model):
        modules[name].register_forward_hook(keep(name))
    with torch.inference_mode():
        twin(torch.from_numpy(images.astype(dtype)))
    return found


def measure(variant: str, seed: int) -> list[LayerError]:
    """The errors of every layer of a variant on the sample photograph."""
    from oracle.swin_twin import redrawn_variant  # here, since it imports PyTorch

    image, model = photograph(variant), redrawn_variant(variant, seed)
    truth = our_layers(model.astype(np.float64), image.astype(np.float64))
    others = our_layers(model, image), their_layers(model, image, np.float32), their_layers(model, image, np.float64)
    scale = {name: float(np.abs(value).max()) for name, value in truth.items()}
    return [LayerError(name, *(largest_difference(other[name], true) / scale[name] for other in others))
            for name, true in truth.items()]


def table(errors: list[LayerError]) -> str:
    """The errors as Markdown."""
    lines = ["| layer | swin_np float32 | PyTorch float32 | PyTorch float64 |", "|---|---|---|---|"]
    lines += [f"| {error.name} | {error.ours_float32:.1e} | {error.theirs_float32:.1e} | {error.theirs_float64:.1e} |"
              for error in errors]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0, or 2 after one sentence on what the user has to change."""
    parser = argparse.ArgumentParser("python -m benchmarks.depth", description=__doc__, epilog=EXAMPLE,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variant", default="swin_t", metavar="NAME", help="which model (default: swin_t)")
    parser.add_argument("--seed", type=int, default=0, help="of the weights, which are drawn large (default: 0)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the errors here in place of printing a table")
    options = parser.parse_args(arguments)
    try:
        check_name("variant", options.variant, VARIANTS)
        check_json(options.json)
    except SwinError as error:
        print(error, file=sys.stderr)
        return 2
    if not (find_spec("torch") and find_spec("transformers")):
        print(MISSING, file=sys.stderr)
        return 2
    errors = measure(options.variant, options.seed)
    if options.json is None:
        print(table(errors))
        return 0
    try:
        keep(json.dumps({"variant": options.variant, "seed": options.seed,
                         "layers": [asdict(error) for error in errors]}, indent=1), options.json)
    except SwinError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
