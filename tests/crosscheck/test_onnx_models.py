"""An ONNX file as a candidate: exports of three libraries agree, mistakes are found, bad files are sentences."""

import itertools
import re
import sys
from copy import deepcopy
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

from swin_np.crosscheck import onnx_models
from swin_np.crosscheck.candidates import Candidate
from swin_np.crosscheck.referee import crosscheck
from swin_np.crosscheck.reference import Reference
from swin_np.errors import InputError
from swin_np.mistakes.catalogue import CATALOGUE

needs_onnx = pytest.mark.skipif(not (find_spec("onnx") and find_spec("onnxruntime") and find_spec("timm")),
                                reason="onnx, onnxruntime or timm is not installed")
by_export = pytest.param(True, id="torch.export", marks=pytest.mark.skipif(
    not find_spec("onnxscript"), reason="onnxscript is not installed"))
traced = pytest.param(False, id="traced")
LIBRARIES = ("timm", "torchvision", "transformers")
NEVER_COMPUTED = (".scores_with_bias", ".qkv")         # by transformers: bias and mask are added first, q is by itself
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
    file = exports.export(model, tmp_path / "port.onnx", False, exports.some_images()[:1])
    return exports.save(model, tmp_path / "model.pth"), file


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
    report = crosscheck(reference, onnx_models.record(path, exports.some_images()))
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


def without_names(candidate):
    """The candidate with its tensors under numbers, in an order that is drawn; of names only that of the logits."""
    order = np.random.default_rng(0).permutation(len(candidate.others))
    tensors = list(candidate.others.values())
    return Candidate({"output": candidate.points["output"]}, others={f"t{i}": tensors[k] for i, k in enumerate(order)})


@needs_onnx
def test_content_alone_finds_every_point_of_an_export(library):
    from tests.crosscheck import exports

    name, folder, reference = library
    candidate = onnx_models.record(exports.export(exports.model_of(name), folder / "traced.onnx", False),
                                   exports.some_images())
    for given in (candidate, without_names(candidate)):
        report = crosscheck(reference, given)
        missing = reference.points.keys() - {point.name for point in report.points} - {"input"}
        assert report.verdict == "agree"
        assert not report.notes
        assert all(name == "transformers" and point.endswith(NEVER_COMPUTED) for point in missing)


@needs_onnx
@pytest.mark.parametrize("names", [True, False], ids=["scopes", "without names"])
@pytest.mark.parametrize("mistake", ["no-mask", "merge-row-major", "gelu-by-tanh", "index-transposed", "scale-twice"])
def test_a_mistake_in_an_export_is_named(mistake, names, tmp_path):
    from oracle.planted_mistakes import PLANTED_IN_TORCH
    from oracle.small_models import EVEN, model_and_images
    from oracle.swin_twin import torch_twin
    from tests.crosscheck import exports

    model, images = model_and_images(replace(EVEN, depths=(2, 2), num_heads=(2, 3)))
    twin = torch_twin(model, exports.torch.float32, "eager")
    PLANTED_IN_TORCH[mistake](twin)
    candidate = onnx_models.record(exports.export(twin, tmp_path / "port.onnx", False, images=images), images)
    report = crosscheck(Reference.of(model, images), candidate if names else without_names(candidate))
    assert [finding.mistake for finding in report.findings] == [mistake]
    assert re.fullmatch(CATALOGUE[mistake].modules, report.findings[0].module)


@needs_onnx
def test_an_export_in_half_precision_is_run_in_it_and_agrees(tmp_path):
    from tests.crosscheck import exports

    model = exports.model_of("timm")
    reference = exports.reference_of(exports.save(model, tmp_path / "model.pth"))
    half = exports.export(deepcopy(model).half(), tmp_path / "half.onnx", False, exports.some_images().astype("f2"))
    report = crosscheck(reference, onnx_models.record(half, exports.some_images()))
    assert (report.verdict, report.precision) == ("agree", "float16")


@needs_onnx
@pytest.mark.parametrize("per_channel", [False, True])
def test_a_file_that_onnxruntime_has_quantised_agrees_as_such(library, per_channel):
    quantization = pytest.importorskip("onnxruntime.quantization")
    from tests.crosscheck import exports

    name, folder, reference = library
    path, small = folder / "float32.onnx", folder / f"int8-{per_channel}.onnx"
    exports.export(exports.model_of(name), path, False)
    quantization.quantize_dynamic(str(path), str(small), weight_type=quantization.QuantType.QInt8,
                                  op_types_to_quantize=["MatMul", "Gemm"], per_channel=per_channel)
    report = crosscheck(reference, onnx_models.record(small, exports.some_images()))
    assert report.verdict == "agree", report.summary()
    scale = "row" if per_channel else "tensor"
    assert f"uint8 with a zero point; weights of int8, a scale for each {scale}" in report.noise.arithmetic.name
