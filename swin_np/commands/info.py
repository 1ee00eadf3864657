"""`swin-np info`: parameters, multiply-adds and activation bytes of a system, part by part or layer by layer."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, fields

from swin_np.arguments.names import check_name
from swin_np.commands.names import said
from swin_np.commands.options import add_json
from swin_np.costs import LayerCost, TotalCost, total
from swin_np.dense.backbones import DenseConfig
from swin_np.language import phrase
from swin_np.systems.registry import SYSTEMS, Config, architecture_of, image_size, layer_costs
from swin_np.systems.tour import chain_of
from swin_np.text import columns, padded, row, size

COLUMNS = "{:>11}{:>17}{:>13}{:>15}{:>11}"            # after the name
NARROWEST = 32                                         # characters for the name
SETTINGS = ("embed_dim", "depth", "depths", "num_heads", "window_size", "patch_size", "distilled", "block", "layers",
            "cardinality", "base_width", "scale", "stem_type", "channels", "extra", "d_model", "nhead",
            "num_encoder_layers", "num_decoder_layers", "dim_feedforward")
"""The fields of all configurations that tell their variants apart."""


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add `info` to the parser of the command line."""
    command = commands.add_parser(
        "info", help=phrase("parameters, multiply-adds and activation bytes of a variant"),
        epilog=phrase("example: {call}", call="swin-np info swin_b_384 --layers"))
    command.add_argument("variant", metavar="VARIANT", help=phrase("one of {names}", names=", ".join(SYSTEMS)))
    command.add_argument("--image-size", type=int, nargs=2, metavar=("H", "W"),
                         help=phrase("pixels (default: the variant's own)"))
    command.add_argument("--layers", action="store_true", help=phrase("every layer, not only the parts"))
    add_json(command)
    command.set_defaults(run=run_info)


def run_info(options: argparse.Namespace) -> None:
    """`swin-np info`."""
    check_name("variant", options.variant, SYSTEMS)
    config = SYSTEMS[options.variant]
    pixels = tuple(options.image_size or image_size(config))
    costs = layer_costs(config, pixels)
    in_all = total(costs)
    if options.json:
        print(json.dumps({"variant": options.variant, "image_size": pixels, "config": asdict(config), **asdict(in_all),
                          "layers": [asdict(cost) for cost in costs]}))
        return
    print(phrase("{variant} at {size}, for one float32 image: {settings}", variant=options.variant, size=size(pixels),
                 settings=settings(config)))
    every = [(cost.name, said(cost.kind), cost.output_shape, cost) for cost in costs]
    rows = [*(every if options.layers else parts(config, costs)), (phrase("in all"), "", (), in_all)]
    width = max(NARROWEST, *(columns(name) + 1 for name, *_ in rows))
    print(padded(phrase("layer") if options.layers else phrase("part"), width) + row(
        COLUMNS, phrase("kind") if options.layers else "", phrase("output"), phrase("parameters"),
        phrase("multiply-adds"), phrase("written")))
    for name, *values in rows:
        print(padded(name, width) + cost_columns(*values))


def settings(config: Config) -> str:
    """The architecture and what tells its variants apart; of a dense model also of its backbone."""
    known = [field.name for field in fields(config)]
    words = ", ".join([phrase(architecture_of(config).name),
                       *(f"{name} {getattr(config, name)}" for name in SETTINGS if name in known)])
    if isinstance(config, DenseConfig):
        return phrase("{settings}, on a {backbone}", settings=words, backbone=settings(config.backbone))
    return words


def parts(config: Config, costs: list[LayerCost]) -> Iterator[tuple[str, str, tuple[int, ...], TotalCost]]:
    """The layers summed up by the steps of the tour: rows of (name, kind, output shape, cost)."""
    for part in chain_of(architecture_of(config).model.random(config, None)):
        mine = [cost for cost in costs if cost.name.startswith(part.layers)]
        if mine:                                       # a Transformer's patches are made before the model
            yield said(part.name), "", mine[-1].output_shape, total(mine)


def cost_columns(kind: str, shape: tuple[int, ...], cost: LayerCost | TotalCost) -> str:
    """One row of the table of costs, without its name."""
    return row(COLUMNS, kind, size(shape), f"{cost.parameters:,}", f"{cost.multiply_adds / 1e9:.4f} G",
               f"{cost.activation_bytes / 2 ** 20:.2f} MiB")
