"""ResNet, ResNeXt and Res2Net in the names of torchvision (timm has the same), transformers and Res2Net's authors."""

import math
from functools import partial

from swin_np.baselines.res2net import Res2NetConfig
from swin_np.baselines.resnet import ResNetConfig
from swin_np.checkpoints.dialects.dialect import Dialect, State, recognise_by_names
from swin_np.checkpoints.notes import Assumption
from swin_np.checkpoints.reader import Reader, Translated, block_counts, classes, with_axes
from swin_np.errors import CheckpointError
from swin_np.systems.registry import RES2NET, RESNET

PARTS = ("conv1", "bn1", "layer{i}", "fc")
BLOCK = "encoder.stages.{i}.layers.{j}."

RESNET_DIALECTS = {dialect.name: dialect for dialect in (
    Dialect("torchvision", None, tuple((part, (part,)) for part in PARTS),
            note="The names are those of torchvision and of timm, which give the same model."),
    Dialect("timm", None, tuple((part, (part,)) for part in PARTS)),
    Dialect("transformers", None, (
        ("conv1", ("embedder.embedder.convolution",)),
        ("bn1", ("embedder.embedder.normalization",)),
        *((f"layer{{i+1}}.{{j}}.{ours}{number + 1}", (f"{BLOCK}layer.{number}.{theirs}",))
          for number in range(3) for ours, theirs in (("conv", "convolution"), ("bn", "normalization"))),
        ("layer{i+1}.{j}.downsample.0", (BLOCK + "shortcut.convolution",)),
        ("layer{i+1}.{j}.downsample.1", (BLOCK + "shortcut.normalization",)),
    ), "resnet.", (("fc", ("classifier.1",)),)),
    Dialect("mmpretrain", None, tuple((part, (part,)) for part in PARTS[:-1]), "backbone.", (("fc", ("head.fc",)),)),
)}
RES2NET_DIALECTS = {"res2net": Dialect("res2net", None, tuple((part, (part,)) for part in PARTS))}

ANCHORS = ("layer1.0.conv1.weight", "conv1.weight", "fc.weight")
"""Official names whose spelling tells the dialects apart; the first is in every ResNet."""

RELATIVES = Assumption(
    "Nothing in the file tells a ResNet from its relatives with the same tensors, as resnetaa50 and resnetblur50 of "
    "timm, which smooth before they shrink the map, models with the stride on the 1x1, as Caffe's and Detectron's, or "
    "with dilated stages: the ResNet of torchvision and timm was assumed, with the stride on the 3x3.")


def depths(state: State) -> list[int]:
    """How many blocks each stage has; CheckpointError unless there are four stages of at least one."""
    found, stages = block_counts(state, r"(layer\d+)\.(\d+)\."), [f"layer{stage}" for stage in range(1, 5)]
    if set(found) != set(stages):
        raise CheckpointError(f"it has the stages {', '.join(sorted(found))}, and layer1 to layer4 were expected: get "
                              "the whole file")
    return [found[stage] for stage in stages]


def shared_fields(found: Translated, stem: str, middle: str) -> dict[str, object]:
    """The fields that ResNet and Res2Net share; the stem's last convolution and a 3x3 of stage 4 are named."""
    if found.request.num_heads is not None or found.request.image_size is not None:
        raise CheckpointError("num_heads or image_size was given, and a convolutional network has no heads and takes "
                              "images of any size: leave both out")
    layers, inplanes = depths(found.state), len(with_axes(found.state, stem, 4))
    width, inputs, *_ = with_axes(found.state, middle, 4).shape
    groups = max(1, width // inputs)
    return {"layers": layers, "cardinality": groups, "inplanes": inplanes,
            "base_width": math.ceil(width // groups * 64 / (8 * inplanes)),             # the last stage's is the finest
            "num_classes": classes(found.state, "fc")}


def infer(found: Translated) -> ResNetConfig:
    """The configuration of a ResNet or ResNeXt; CheckpointError if nothing fits."""
    state = found.state
    block = "bottleneck" if "layer1.0.conv3.weight" in state else "basic"
    fields = shared_fields(found, "conv1.weight", "layer4.0.conv2.weight")
    if found.request.told is None:
        found.notes.append(RELATIVES)
    return found.reader.configuration(state, **fields, block=block, in_chans=state["conv1.weight"].shape[1])


def infer_res2net(found: Translated) -> Res2NetConfig:
    """The same of a Res2Net or Res2NeXt."""
    state = found.state
    deep = "conv1.0.weight" in state
    first, last = ("conv1.0.weight", "conv1.6.weight") if deep else ("conv1.weight", "conv1.weight")
    splits = {name.split(".")[3] for name in state if name.startswith("layer1.0.convs.")}
    fields = shared_fields(found, last, "layer4.0.convs.0.weight")
    return found.reader.configuration(
        state, **fields, in_chans=with_axes(state, first, 4).shape[1], scale=len(splits) + 1,
        stem_type="deep" if deep else "", avg_down="layer1.0.downsample.2.weight" in state)


RESNET_READER = Reader(
    RESNET, "torchvision",
    (r"^(layer1\.0\.conv1|encoder\.stages\.0\.layers\.0\.layer\.0\.convolution)\.weight$",), ANCHORS[:1],
    RESNET_DIALECTS, infer, relatives=r"resnet(aa|blur)\d+", recognise=partial(
        recognise_by_names, anchors=ANCHORS, counters=True, unknown="it has a residual stage and no "
        "first block of a ResNet that is known: give a file in one of the dialects {dialects}"))
RES2NET_READER = Reader(RES2NET, "Res2Net", (r"^layer1\.0\.convs\.0\.weight$",), ("layer1.0.convs.0.weight",),
                        RES2NET_DIALECTS, infer_res2net, recognise=partial(recognise_by_names, counters=True))
