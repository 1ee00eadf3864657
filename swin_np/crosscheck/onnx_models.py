"""An ONNX file as a candidate: run with onnxruntime, every floating-point tensor of its graph shown.

onnx and onnxruntime are imported only here.
"""

import ast
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from swin_np.crosscheck.candidates import Candidate
from swin_np.errors import InputError
from swin_np.functional import Array

if TYPE_CHECKING:
    import onnx
    import onnxruntime

ENDING = ".onnx"
FLOATS = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}
SCOPES = "pkg.torch.onnx.name_scopes"                  # on each node of torch.export's graphs


def record(path: str | Path, images: Array) -> Candidate:
    """Run the model in an ONNX file on images (B, 3, H, W), already normalised; every tensor that it computes.

    Where the exporter wrote the modules' names beside the nodes (torch.onnx.export does, both ways), `points` are the
    outputs of the modules, and always `output`, the graph's first output; `others` are all tensors by their names in
    the graph, in the order of computation. The graph runs as it is written, without the optimisations of onnxruntime.
    Raises InputError without the packages, for a file that is no ONNX model, or where the graph takes no such images.
    """
    onnx, onnxruntime = packages(path)
    model = read_graph(onnx, path)
    output = model.graph.output[0].name
    scopes = modules_of(model.graph)
    names = [name for node in model.graph.node for name in node.output if name]
    known = {value.name for value in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in known)
    session = session_of(onnxruntime, model, Path(path))
    feed = fed(session, images, path)
    wanted = [found.name for found in session.get_outputs() if found.type in FLOATS]
    try:
        values = dict(zip(wanted, session.run(wanted, feed), strict=True))
    except Exception as error:                         # onnxruntime has many, of no common kind
        raise InputError(f"onnxruntime cannot run {path}: {first_line(error)}: export it again for images of shape "
                         f"{images.shape}") from None
    others = {name: values[name] for name in names if name in values and values[name].size > 1}
    points = {module: others[name] for module, name in last_of_each(scopes, others).items()}
    if output in others:
        points["output"] = others.pop(output)
    return Candidate(points, others=others)


def packages(path: str | Path) -> tuple[ModuleType, ModuleType]:
    """The two packages; InputError where one is missing."""
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise InputError(f"{path}: {error.name} is not installed, which runs ONNX files: "
                         "`pip install \"swin_np[onnx]\"`, or run the file where you have it and dump its tensors, "
                         "under any names, as a folder of .npy files") from None
    return onnx, onnxruntime


def read_graph(onnx: ModuleType, path: str | Path) -> "onnx.ModelProto":
    """The model in a file, its functions written out; weights in files of their own stay there."""
    try:
        model = onnx.load(str(path), load_external_data=False)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): check the path") from None
    except Exception as error:                         # of protobuf, whose package may be any version
        raise InputError(f"{path} is no ONNX model: {first_line(error)}: give a file of torch.onnx.export or the "
                         "like") from None
    if not model.graph.node or not model.graph.output:
        raise InputError(f"{path} holds no ONNX graph with an output: give a file of torch.onnx.export or the like")
    if model.functions:
        from onnx import inliner

        model = inliner.inline_local_functions(model)
    return model


def session_of(onnxruntime: ModuleType, model: "onnx.ModelProto", path: Path) -> "onnxruntime.InferenceSession":
    """What runs the model, on the processor, as it is written."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.add_session_config_entry("session.model_external_initializers_file_folder_path",
                                     str(path.resolve().parent))
    try:
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise InputError(f"onnxruntime cannot load {path}: {first_line(error)}: check that its weights lie beside it "
                         "and that its operators are ONNX's own") from None


def fed(session: "onnxruntime.InferenceSession", images: Array, path: str | Path) -> dict[str, Array]:
    """The images as the graph takes them; InputError where it does not."""
    inputs = session.get_inputs()
    if len(inputs) != 1:
        raise InputError(f"{path} takes {len(inputs)} inputs ({', '.join(each.name for each in inputs)}), expected one "
                         "with the images: export it with that alone")
    taken = inputs[0]
    if taken.type not in FLOATS or len(taken.shape) != 4:
        raise InputError(f"{path} takes {taken.type} of shape {taken.shape} as {taken.name}, expected normalised "
                         "images (B, 3, H, W) of a floating-point type: export it without the preparation of images")
    if taken.shape[3] == images.shape[1] and taken.shape[1] != images.shape[1]:        # (B, H, W, 3)
        images = images.transpose(0, 2, 3, 1)
    lengths = [length if isinstance(length, int) else any_length for length, any_length in
               zip(taken.shape, images.shape, strict=True)]
    if lengths != list(images.shape):
        raise InputError(f"{path} takes images of shape {tuple(taken.shape)}, but the reference's are {images.shape}: "
                         "give as many images of that size, or export it for these")
    return {taken.name: np.ascontiguousarray(images, FLOATS[taken.type])}


def modules_of(graph: "onnx.GraphProto") -> dict[str, list[str]]:
    """For every tensor the modules around the node that computes it, outermost first, where the file tells."""
    scopes = {}
    for node in graph.node:
        stored = next((entry.value for entry in node.metadata_props if entry.key == SCOPES), None)
        found = by_export(stored) if stored is not None else by_trace(node.name)
        scopes.update(dict.fromkeys(node.output, found))
    return scopes


def by_export(stored: str) -> list[str]:
    """The modules in the scopes of torch.export: "['', 'layers', 'layers.0', 'add_2']", the node's own name last."""
    try:
        scopes = ast.literal_eval(stored)
    except (ValueError, SyntaxError):
        return []
    return [scope for scope in scopes[:-1] if scope] if isinstance(scopes, list) else []


def by_trace(node: str) -> list[str]:
    """The modules in a node's name as a traced export has them: "/layers/layers.0/blocks/blocks.0/norm1/Add".

    A part of a container repeats its name: layers, layers.0.
    """
    if not node.startswith("/"):
        return []
    modules: list[str] = []
    path, last = "", ""
    for part in node.split("/")[1:-1]:
        repeats = last and part.startswith(f"{last}.")
        path = path[:len(path) - len(last)] + part if repeats else f"{path}.{part}" if path else part
        modules.append(path)
        last = part
    return modules


def last_of_each(scopes: dict[str, list[str]], names: Iterable[str]) -> dict[str, str]:
    """{module: name of the last tensor that is computed inside it}, of tensors in the order of computation."""
    last: dict[str, str] = {}
    for name in names:
        for module in reversed(scopes.get(name, [])):  # inner ones first, as they end first
            last.pop(module, None)
            last[module] = name
    return last


def first_line(error: Exception) -> str:
    """What an error says, in one line of bearable length."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
