"""`swin-np pretrained`: repositories of pretrained weights that can be loaded by their names."""

import argparse
import json
from dataclasses import asdict, dataclass

from swin_np.commands.options import add_json
from swin_np.language import phrase
from swin_np.text import row

IMAGENET_1K, IMAGENET_22K = "ImageNet-1k", "ImageNet-22k"
COLUMNS = "{:75}{:22}{:>7}  {}"
CALL = "swin-np classify photo.jpg --checkpoint hf://microsoft/swin-tiny-patch4-window7-224"


@dataclass(frozen=True)
class Repository:
    """A repository on the hub.

    address: what `swin_np.load` and --checkpoint take. system: what it holds. image_size: side, in pixels, of the
    images it was trained on. trained_on: whose classes it names. library: which one wrote its files.
    """

    address: str
    system: str
    image_size: int
    trained_on: str
    library: str


REPOSITORIES = (
    Repository("hf://microsoft/swin-tiny-patch4-window7-224", "Swin-T", 224, IMAGENET_1K, "transformers"),
    Repository("hf://microsoft/swin-small-patch4-window7-224", "Swin-S", 224, IMAGENET_1K, "transformers"),
    Repository("hf://microsoft/swin-base-patch4-window7-224-in22k", "Swin-B", 224, IMAGENET_22K, "transformers"),
    Repository("hf://microsoft/swin-large-patch4-window12-384-in22k", "Swin-L", 384, IMAGENET_22K, "transformers"),
    Repository("hf://timm/swin_tiny_patch4_window7_224.ms_in1k", "Swin-T", 224, IMAGENET_1K, "timm"),
    Repository("hf://timm/swin_s3_tiny_224.ms_in1k", "Swin-S3-T", 224, IMAGENET_1K, "timm"),
    Repository("hf://microsoft/swinv2-tiny-patch4-window8-256", "Swin V2-T", 256, IMAGENET_1K, "transformers"),
    Repository("hf://microsoft/swinv2-base-patch4-window12to16-192to256-22kto1k-ft", "Swin V2-B", 256, IMAGENET_1K,
               "transformers"),
    Repository("hf://timm/swinv2_tiny_window8_256.ms_in1k", "Swin V2-T", 256, IMAGENET_1K, "timm"),
    Repository("hf://openmmlab/upernet-swin-tiny", "UPerNet on Swin-T", 512, "ADE20K", "transformers"),
    Repository("hf://google/vit-base-patch16-224", "ViT-B/16", 224, IMAGENET_1K, "transformers"),
    Repository("hf://facebook/deit-base-distilled-patch16-224", "DeiT-B, distilled", 224, IMAGENET_1K, "transformers"),
    Repository("hf://microsoft/resnet-50", "ResNet-50", 224, IMAGENET_1K, "transformers"),
)
"""One or two of each kind whose files are read here; the others of the same kinds are read as well."""


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add `pretrained` to the parser of the command line."""
    command = commands.add_parser(
        "pretrained", help=phrase("repositories of pretrained weights, to be loaded by their addresses"),
        description=phrase(
            "Repositories on the hub whose files are of the kinds that are read here. Nothing is fetched by this list: "
            "give an address where a checkpoint is taken, with @ and a branch, tag or commit behind the name to pin "
            "it. It needs huggingface_hub, which comes with `pip install \"swin_np[hub]\"`."),
        epilog=phrase("example: {call}", call=CALL))
    add_json(command)
    command.set_defaults(run=run_pretrained)


def run_pretrained(options: argparse.Namespace) -> None:
    """`swin-np pretrained`."""
    if options.json:
        print(json.dumps({"repositories": [asdict(repository) for repository in REPOSITORIES]}))
        return
    print(row(COLUMNS, phrase("address"), phrase("what it holds"), phrase("images"),
              phrase("classes, and the library that wrote its files")))
    for each in REPOSITORIES:
        print(row(COLUMNS, each.address, each.system, each.image_size, f"{each.trained_on}, {each.library}"))
    print("\n" + phrase("Nothing was fetched. An address is taken wherever a checkpoint is: by swin_np.load, and by")
          + f"\n{CALL}")
