"""An ONNX file as a candidate: exports of three libraries agree, mistakes are found, bad files are sentences."""

import itertools
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from swin_np.crosscheck import onnx_models
from swin_np.crosscheck.referee import crosscheck
from swin_np.errors import InputError

needs_onnx = pytest.mark.skipif(not (find_spec("onnx") and find_spec("onnxruntime") and find_spec("timm")),
                                reason="onnx, onnxruntime or timm is not installed")
by_export = pytest.param(True, id="torch.export", marks=pytest.mark.skipif(
    not find_spec("onnxscript"), reason="onnxscript is not installed"))
traced = pytest.param(False, id="traced")
LIBRARIES = ("timm", "torchvision", "transformers")
PATHS = {                                              # a node's name in a traced file, and its module
    "/layers/layers.0/blocks/blocks.1/attn/qkv/MatMul": "layers.0.blocks.1.attn.qkv",
    "/features/features.1/features.1.0/norm1/LayerNormalization": "features.1.0.norm1",
    "/swin/encoder/layers.0/blocks.0/intermediate/dense/Add": "swin.encoder.layers.0.blocks.0.intermediate.dense",
    "/layers.1/blocks.10/Add_1": "layers.1.blocks.10",
}


@pytest.fixture(scope="module", params=LIBRARIES)
def library(request, tmp_path_factory):
    """(name, folder, the reference of its checkpoint)."""
    from tests.crosscheck import exports

    folder = tmp_path_factory.mktemp(request.param)
    path = exports.save(exports.model_of(request.param), folder / "model.pth")
    return request.param, folder, exports.reference_of(path)


@pytest.fixture
def timm_file(tmp_path):
    """(the checkpoint, its export for a batch of one image)."""
    from tests.crosscheck import exports

    model = exports.model_of("timm")
    return exports.save(model, tmp_path / "model.pth"), exports.export(model, tmp_path / "port.onnx", False, batch=1)


@pytest.mark.parametrize("node", PATHS)
def test_a_traced_node_tells_its_modules(node):
    modules = onnx_models.by_trace(node)
    assert modules[-1] == PATHS[node]
    assert all(inner.startswith(f"{outer}.") for outer, inner in itertools.pairwise(modules))


def test_the_scopes_of_torch_export_are_read_and_others_are_left():
    assert onnx_models.by_export("['', 'layers', 'layers.0', 'add_2']") == ["layers", "layers.0"]
    assert onnx_models.by_export("no list") == onnx_models.by_export("3") == []


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime"])
def test_without_the_packages_both_ways_out_are_said(missing, monkeypatch):
    for name in ("onnx", "onnxruntime"):
        monkeypatch.setitem(sys.modules, name, None if name == missing else np)
    with pytest.raises(InputError, match=rf"{missing} is not installed.*swin_np\[onnx\].*dump its tensors"):
        onnx_models.record("port.onnx", np.zeros((1, 3, 8, 8)))


@needs_onnx
@pytest.mark.parametrize("dynamo", [traced, by_export])
def test_an_export_agrees_and_every_module_is_compared(library, dynamo):
    from tests.crosscheck import exports

    name, folder, reference = library
    path = exports.export(exports.model_of(name), folder / f"{dynamo}.onnx", dynamo)
    report = crosscheck(reference, onnx_models.record(path, exports.images()))
    assert (report.verdict, report.dialect) == ("agree", name)
    blocks = {f"layers.{i}.blocks.{j}" for i in (0, 1) for j in (0, 1)}
    assert {*blocks, *(f"{block}.mlp" for block in blocks), "norm", "output"} <= {point.name for point in report.points}


@needs_onnx
def test_images_that_the_graph_does_not_take_are_refused(timm_file):
    with pytest.raises(InputError, match=r"takes images of shape \(1, 3, 64, 96\).*are \(2, 3, 64, 96\)"):
        onnx_models.record(timm_file[1], np.zeros((2, 3, 64, 96)))


@needs_onnx
def test_a_file_that_is_no_model_and_one_that_is_missing_are_refused(tmp_path):
    (tmp_path / "text.onnx").write_bytes(b"nothing of the kind")
    (tmp_path / "empty.onnx").write_bytes(b"")
    for name in ("text.onnx", "empty.onnx", "missing.onnx"):
        with pytest.raises(InputError, match=name):
            onnx_models.record(tmp_path / name, np.zeros((1, 3, 64, 96)))


@needs_onnx
def test_a_graph_that_takes_the_batch_as_it_comes_and_channels_last_is_run(tmp_path):
    import onnx
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        [helper.make_node("Transpose", ["x"], ["t"], "/a/Transpose", perm=[0, 3, 1, 2]),
         helper.make_node("GlobalAveragePool", ["t"], ["g"], "/a/Pool"), helper.make_node("Flatten", ["g"], ["y"])],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 8, 6, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 3])])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "p.onnx")
    x = np.random.default_rng(0).standard_normal((4, 3, 8, 6))
    found = onnx_models.record(tmp_path / "p.onnx", x)
    assert np.allclose(found.points["output"], x.mean((2, 3)), atol=1e-6)
    assert np.allclose(found.others["t"], x, atol=1e-6)
    assert list(found.points) == ["a", "output"]
