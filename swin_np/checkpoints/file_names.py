"""The names of the files that make a checkpoint: its weights, in one file or in shards, and what lies beside them."""

import re
from collections.abc import Collection

from swin_np.checkpoints.formats.foreign import folder_refusal
from swin_np.errors import CheckpointError

INDEX_ENDING = ".index.json"                           # model.safetensors.index.json, pytorch_model.bin.index.json
CONFIGURATION, PREPROCESSOR = "config.json", "preprocessor_config.json"
CONVENTIONAL = ("model.safetensors", "pytorch_model.bin")               # what both libraries call a model's only file
ENDINGS = (INDEX_ENDING, ".safetensors", ".bin", ".pth", ".pt", ".ckpt", ".pkl", ".npz")        # of files with tensors
OF_TRAINING = re.compile(r"(training_args|optimizer|scheduler|scaler|rng_state|random_states)(_\d+)*\.(bin|pth?|pkl)$")
"""What the trainers of transformers and accelerate write beside a model."""
NAMED_AT_MOST = 10                                     # files in a sentence


def is_weights(name: str) -> bool:
    """Whether a file of this name holds tensors, or is an index of those that do."""
    return name.endswith(ENDINGS) and not OF_TRAINING.match(name)


def is_about(name: str, names: Collection[str]) -> bool:
    """Whether a config.json is about the weights of this name, in a folder that holds files of these names.

    It is where the file has the name under which transformers and timm store a model beside its configuration, or where
    the folder holds no other checkpoint. In a folder of several, say of downloads, it may be about any of them.
    """
    return name.removesuffix(INDEX_ENDING) in CONVENTIONAL or sum(map(is_weights, names)) < 2


def preferred(names: Collection[str]) -> str:
    """The file to read in a folder that holds these: as transformers and timm call it, or else the only one of a kind.

    Raises CheckpointError if there is none, or if several could be meant.
    """
    for name in CONVENTIONAL:
        for file in (name, name + INDEX_ENDING):
            if file in names:
                return file
    for ending in ENDINGS:
        found = [name for name in names if name.endswith(ending) and is_weights(name)]
        if len(found) == 1:
            return found[0]
        if found:
            raise CheckpointError(f"the folder holds {listed(found)}: give the path of the one to read")
    raise folder_refusal(sorted(names), f"no file that ends in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}")


def shards_of(index: dict[str, object]) -> dict[str, set[str]] | None:
    """The names of the tensors in each shard, by the `weight_map` of an index; None if it has none.

    Raises CheckpointError for a shard that is no plain file name: it could lie anywhere.
    """
    weight_map = index.get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        return None
    shards: dict[str, set[str]] = {}
    for name, shard in weight_map.items():
        if not isinstance(shard, str) or not re.fullmatch(r"\w[\w.-]*", shard):
            raise CheckpointError(f"the index names the shard {str(shard)[:200]!r}, which is no plain file name: "
                                  "get the index again")
        shards.setdefault(shard, set()).add(name)
    return shards


def listed(names: Collection[str]) -> str:
    """The first of the names, for a sentence."""
    more = f" and {len(names) - NAMED_AT_MOST} more" if len(names) > NAMED_AT_MOST else ""
    return ", ".join(sorted(names)[:NAMED_AT_MOST]) + more
