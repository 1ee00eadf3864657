"""Files that are read by nobody here: each is called by its name, with what to do about it."""

import re
from collections.abc import Collection

from swin_np.checkpoints.notes import listing
from swin_np.errors import CheckpointError

FORMATS = "a PyTorch file (.pth, .pt, .bin, .ckpt), .pkl, .safetensors or .npz"
FROM_PYTORCH = "load it where it was made, and save model.state_dict() with torch.save"
CONVERT = "convert its weights to .safetensors or .npz where it was made"
EXPORTED = "export the weights beside the program: torch.save({'model': model.state_dict()}, ...)"
WEIGHTS = (".pth", ".pt", ".bin", ".ckpt", ".pkl", ".safetensors", ".npz", ".tar", ".gz")

BEGINNINGS = {                                         # regular expression: (what it is, what to do)
    rb"version https://git-lfs": ("a Git LFS pointer and not the file itself", "run git lfs pull"),
    rb"\s*<\?xml[^\0]{1,100}<net ": ("a model of OpenVINO", FROM_PYTORCH),
    rb"\s*<(?:!|html|\?xml|Error)": ("a web page or a server's answer and not a checkpoint",
                                     "download the file itself, not the page about it"),
    rb"\s*\{": ("a JSON text and no index of shards", "give the file with the weights"),
    rb"\x1f\x8b": ("compressed by gzip", "unpack it first, with gunzip or tar -xzf"),
    rb"BZh[1-9]": ("compressed by bzip2", "unpack it first, with bunzip2 or tar -xjf"),
    rb"\xfd7zXZ\0": ("compressed by xz", "unpack it first, with unxz or tar -xJf"),
    rb"]\0\0[\x01\x10\x40\x80\0]": ("compressed by lzma", "unpack it first, with unlzma"),
    rb"\x28\xb5\x2f\xfd": ("compressed by Zstandard", "unpack it first, with unzstd"),
    rb"\x04\x22\x4d\x18": ("compressed by lz4", "unpack it first, with unlz4"),
    rb"7z\xbc\xaf\x27\x1c": ("a 7-Zip archive", "unpack it first, with 7z x, and give the file in it"),
    rb"Rar!\x1a\x07": ("a RAR archive", "unpack it first, with unrar x, and give the file in it"),
    rb"(?s).{257}ustar|sys_info\0": (
        "a tar archive", "unpack it first, with tar -xf, and give the file in it; if it holds `storages` and "
        "`tensors`, PyTorch before 0.2 wrote it: " + FROM_PYTORCH),
    rb"\x89HDF\r\n\x1a\n": ("an HDF5 file, as Keras and MATLAB write", CONVERT),
    rb"GGUF": ("a GGUF file, whose weights are mostly quantised", "give the file that it was made from"),
    rb"lmgg|tjgg|fmgg|algg|ggml": ("a GGML file, whose weights are mostly quantised",
                                   "give the file that it was made from"),
    rb"\x08[\x03-\x1f](?:\x12.[ -~]{2}|\x1a.[ -~]|[\x22\x3a\x42])": ("a graph of ONNX", FROM_PYTORCH),
    rb"\x08[\x01-\x1f]\x12": ("a protocol buffer, as TensorFlow, Core ML and ONNX write", CONVERT),
    rb"(?s).{4}ET\d\d": ("a program of ExecuTorch", EXPORTED),
    rb"(?s).{4}TFL3": ("a model of TensorFlow Lite", CONVERT),
    rb"(?s)(?:[\x81-\x8f]|\xde..|\xdf.{4})(?:[\xa1-\xbf]|\xd9.)\w": ("a msgpack file, as Flax writes", CONVERT),
    rb"\x93NUMPY": ("a single array of NumPy's (.npy)", "save the arrays by name, with numpy.savez"),
    rb"MATLAB 5.0": ("a MATLAB file", CONVERT),
    rb"(?s).{4}\x01\0\0\0\x03\0\0\0V 1": ("a file of Lua Torch", CONVERT),
    rb"(?s)\x89PNG|\xff\xd8\xff|GIF8|BM.{4}\0{4}|RIFF.{4}WEBP|II\*\0|MM\0\*": (
        "an image and not a checkpoint", "give the image where images are asked for"),
    rb"%PDF": ("a PDF document and not a checkpoint", "give the file with the weights"),
    rb"\x7fELF|MZ": ("a program and not a checkpoint", "give the file with the weights"),
    rb"PK\x05\x06": ("an empty zip archive", "get the file again"),
    rb"\x80[\0\x01\x06-\xff]": ("a pickle of no protocol from 0 to 5", "get the file again"),
}
TABLE_END = bytes.fromhex("57fb808b247547db")          # of LevelDB's tables, in which TensorFlow keeps an index
NAMES = {                                              # regular expression of file names; the content tells nothing
    r".*\.data-\d{5}-of-\d{5}": ("the data of a TensorFlow checkpoint", CONVERT),
    r".*\.distcp": ("a shard of a PyTorch distributed checkpoint", "give its folder to torch.distributed.checkpoint."
                    "format_utils.dcp_to_torch_save, and the file that it writes here"),
}
IN_ZIP = {                                             # regular expression of names in the archive
    r"(?:.*/)?(?:constants\.pkl|bytecode\.pkl|code/.*)": (
        "a TorchScript archive, a program with its weights", EXPORTED),
    r"(?:.*/)?(?:serialized_exported_program\.json|archive_format|models/.*\.json)": (
        "a program of torch.export", EXPORTED),
    r"(?:.*/)?\.data/(?:extern_modules|python_version)": ("a package of torch.package", EXPORTED),
    r".*\.(?:weights\.)?h5": ("a model of Keras", CONVERT),
    r"(?:.*/)?saved_model\.pb": ("a SavedModel of TensorFlow", CONVERT),
    r".*\.mlmodel": ("a package of Core ML", CONVERT),
}
IN_FOLDER = {                                          # regular expression of names in the folder
    r"saved_model\.pb": ("a SavedModel of TensorFlow", CONVERT),
    r".*\.index|checkpoint": ("a checkpoint of TensorFlow or JAX", CONVERT),
    r"_CHECKPOINT_METADATA|_METADATA|manifest\.ocdbt|.*\.orbax-checkpoint.*": ("a checkpoint of Orbax (JAX)", CONVERT),
    r"Manifest\.json|model\.mlmodel": ("a package of Core ML", CONVERT),
    r".*\.distcp": ("a PyTorch distributed checkpoint",
                    "give it to torch.distributed.checkpoint.format_utils.dcp_to_torch_save, and the file that it "
                    "writes here"),
    r"flax_model\.msgpack": ("a checkpoint of Flax", CONVERT),
    r"tf_model\.h5": ("a checkpoint of Keras", CONVERT),
    r"checkpoint-\d+": ("the output of a training without its last model",
                        "give one of its folders checkpoint-..."),
}


def check_name(name: str) -> None:
    """Raise CheckpointError for a file whose name alone tells that nothing here can read it."""
    for pattern, (what, advice) in NAMES.items():
        if re.fullmatch(pattern, name):
            raise CheckpointError(f"it is {what}: {advice}")


def refusal(buffer: memoryview) -> CheckpointError:
    """The error for a file of no format that is read here."""
    head = bytes(buffer[:512])
    if not head:
        return CheckpointError("the file is empty: get it again")
    if bytes(buffer[-8:]) == TABLE_END:
        return CheckpointError(f"it is the index of a TensorFlow checkpoint: {CONVERT}")
    if not any(head):
        return CheckpointError(f"it begins with {len(head)} zeros, as no checkpoint does: perhaps its download did not "
                               "finish, get it again")
    for beginning, (what, advice) in BEGINNINGS.items():
        if re.match(beginning, head, re.IGNORECASE if b"html" in beginning else 0):
            return CheckpointError(f"it is {what}: {advice}")
    return CheckpointError(f"it begins with {head[:8]!r}, as no checkpoint does: give {FORMATS}")


def zip_refusal(names: Collection[str]) -> CheckpointError:
    """The error for a zip archive with files of these names, that neither PyTorch nor NumPy wrote."""
    for pattern, (what, advice) in IN_ZIP.items():
        if any(re.fullmatch(pattern, name) for name in names):
            return CheckpointError(f"it is {what}: {advice}")
    if weights := [name for name in names if name.endswith(WEIGHTS)]:
        return CheckpointError(f"it is a zip archive that holds {listing(weights)}: unpack it, and give the file in it")
    return CheckpointError(f"it is a zip archive of {listing(list(names)) or 'nothing'}, but not one that PyTorch or "
                           f"NumPy wrote: give {FORMATS}")


def folder_refusal(names: Collection[str], missing: str) -> CheckpointError:
    """The error for a folder with files of these names, in which is `missing`."""
    for pattern, (what, advice) in IN_FOLDER.items():
        if any(re.fullmatch(pattern, name) for name in names):
            return CheckpointError(f"the folder is {what}: {advice}")
    return CheckpointError(f"the folder holds {missing}: give the path of the file to read")
