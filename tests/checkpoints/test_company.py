"""Whatever lies beside the weights, they are read to the bit, and what was not read is known by name."""

import io
import json
import pickle
import subprocess
import sys

import company
import numpy as np
import pytest
from stored_files import DATA, call, dictionary, inside, integer, name, read_all, sequence, tensor, text, torch_zip
from test_pytorch import SIX, assert_same

from swin_np.checkpoints.files import read, read_content
from swin_np.checkpoints.formats.numpy_arrays import StoredArray
from swin_np.checkpoints.formats.placeholders import Placeholder
from swin_np.commands.cli import main
from swin_np.errors import CheckpointError
from tests.lengths import long_but

torch = pytest.importorskip("torch")

ALL = {**company.PLAIN, **company.NUMPY, **{f"torch's {key}": value for key, value in company.of_torch().items()}}
ARRAYS = {"weight": np.random.default_rng(0).standard_normal((2, 3)).astype(np.float32), "scalar": np.array(3.5),
          "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)), "bool": np.array([True, False]),
          "big": np.arange(3, dtype=">i4"), "empty": np.zeros((0, 3), np.float32), "half": np.ones(5, np.float16),
          "long": np.random.default_rng(1).standard_normal((64, 64)).astype(np.float32),
          "transposed": np.ones((2, 3)).T, "bytes": np.arange(256, dtype=np.uint8), "slice": np.arange(20.0)[::3]}
NATIVE = {key: value.astype(value.dtype.newbyteorder("=")) for key, value in ARRAYS.items()}


def saved(thing, protocol: int = 2, legacy: bool = False) -> bytes:
    buffer = io.BytesIO()
    torch.save(thing, buffer, pickle_protocol=protocol, _use_new_zipfile_serialization=not legacy)
    return buffer.getvalue()


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("protocol", long_but([2, 5], range(1, 6)))
@pytest.mark.parametrize("kind", ALL)
def test_weights_beside_anything_are_read_to_the_bit(kind, protocol, legacy):
    state = {"a.weight": torch.randn(2, 3), "b": torch.ones(4).half()}
    result = read_all(saved({"first": ALL[kind], "model": state, "last": [ALL[kind]]}, protocol, legacy))
    assert_same(inside(result, "model"), {key: value.numpy() for key, value in state.items()})


@pytest.mark.parametrize("protocol", range(6))
def test_a_plain_pickle_of_arrays_among_all_of_it_is_read_to_the_bit(protocol):
    raw = pickle.dumps({"company": ALL, "model": ARRAYS}, protocol)
    result = read_all(raw)
    assert_same(inside(result, "model"), NATIVE)
    assert result.format == "pickle"
    assert not any(value.flags.writeable for value in result.tensors.values())
    assert {"argparse.Namespace", "company.Configuration", "pathlib.PosixPath"} <= set(result.unread)
    assert list(result.unread) == sorted(result.unread)


@pytest.mark.parametrize("protocol", range(6))
def test_a_plain_pickle_of_tensors_as_conversion_scripts_write_it_is_read(protocol):
    base = torch.randn(4, 6)
    state = {"whole": base, "half": torch.ones(3).half(), "view": base[1:, ::2], "scalar": torch.tensor(3),
             "parameter": torch.nn.Parameter(torch.ones(2)),
             "bfloat16": torch.ones(2).bfloat16(), "empty": torch.ones(0)}
    thing = {"model": state, "__author__": "third_party", "matching_heuristics": True}
    result = read_all(pickle.dumps(thing, protocol))
    expected = {key: value.detach().float() if key == "bfloat16" else value.detach() for key, value in state.items()}
    assert_same(inside(result, "model"), {key: value.numpy() for key, value in expected.items()})
    assert result.unread == ()


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_a_pickle_of_python_2_is_read_to_the_bit(protocol):
    with np.load(DATA / "python_2_expected.npz") as expected:
        truth = {key: value.astype(value.dtype.newbyteorder("=")) for key, value in expected.items()}
    result = read(DATA / f"python_2_protocol_{protocol}.pkl")
    assert_same(inside(result, "model"), truth)
    assert result.unread == ("__builtin__.set", "datetime.datetime")


@pytest.mark.parametrize("kind", [company.CfgNode, company.AttributeDict, dict])
@pytest.mark.parametrize("protocol", [1, 2, 4])
def test_a_state_dict_in_a_dict_of_another_class_is_found(kind, protocol):
    state = kind({"a": torch.ones(2, 3)})
    assert_same(read_all(saved(kind({"model": state}), protocol)).tensors, {"model/a": np.ones((2, 3), np.float32)})
    assert_same(inside(read_all(pickle.dumps(kind({"model": kind(ARRAYS)}), protocol)), "model"), NATIVE)


def test_a_tensor_with_attributes_is_read():
    value = torch.arange(3.0)
    value.fan_in = 3
    assert_same(read_all(saved({"a": value})).tensors, {"a": np.arange(3, dtype=np.float32)})


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
def test_tensors_of_kinds_that_no_model_has_are_placeholders(legacy):
    others = {"complex": torch.ones(3, dtype=torch.complex64), "quantised": torch.quantize_per_tensor(
        torch.ones(5), 0.1, 0, torch.qint8), "parameter": torch.nn.Parameter(torch.ones(2, dtype=torch.complex128)),
        "sparse": torch.eye(2).to_sparse(), "meta": torch.ones(2, device="meta")}
    if not legacy:
        others |= {"float8": torch.ones(3).to(torch.float8_e4m3fn), "uint16": torch.ones(2, dtype=torch.uint16)}
    content = read_content(memoryview(saved({"a": torch.ones(2), **others, "b": torch.ones(3)}, legacy=legacy)))
    assert all(isinstance(content.tree[key], Placeholder) for key in others)
    assert "a tensor of torch.ComplexFloatStorage" in content.unread
    assert content.tree["b"].array().tolist() == [1, 1, 1]


def test_a_module_saved_whole_is_a_placeholder_of_the_name_of_its_class():
    tree = read_content(memoryview(saved(torch.nn.Linear(2, 2)))).tree
    assert type(tree) is Placeholder
    assert tree.name == "torch.nn.modules.linear.Linear"


def test_arrays_of_anything_but_numbers_are_placeholders_in_the_tree():
    others = ("texts", "objects", "structure", "dates", "masked", "complex", "matrix")
    for protocol in range(6):
        content = read_content(memoryview(pickle.dumps({**company.NUMPY, "a": np.ones(2)}, protocol)))
        assert all(type(content.tree[key]) is Placeholder for key in others)
        assert type(content.tree["a"]) is StoredArray
        assert "a NumPy array of other things than numbers" in content.unread


DTYPE = call(name("numpy", "dtype"), text("f4"), b"\x89", b"\x88") + sequence(integer(3), text("<"), b"N") + b"b"
FLOATS = np.arange(6, dtype="<f4").tobytes()


def array(shape=b"K\x02K\x03\x86", dtype=DTYPE, fortran=b"\x89", raw=b"C\x18" + FLOATS) -> bytes:
    """The opcodes of an array of six numbers; an untrue one is made by parts that do not fit each other."""
    made = call(name("numpy.core.multiarray", "_reconstruct"), name("numpy", "ndarray"), b"K\0\x85", b"C\x01b")
    return made + sequence(b"K\x01", shape, dtype, fortran, raw) + b"b"


def test_the_array_that_the_test_below_varies_is_read():
    result = read_all(b"\x80\x04" + dictionary({"a": array()}) + b".")
    assert_same(result.tensors, {"a": np.arange(6, dtype=np.float32).reshape(2, 3)})


@pytest.mark.parametrize("untrue", [
    {"shape": b"K\x02K\x04\x86"}, {"shape": b"K\x02J\xfd\xff\xff\xff\x86"}, {"shape": b"K\x02G" + bytes(8) + b"\x86"},
    {"shape": b"K\x06"}, {"shape": b"]"}, {"shape": b"(" + b"K\x01" * 33 + b"K\x06t"},
    {"shape": b"K\0" + integer(2**62) + b"\x86"},
    {"raw": b"N"}, {"raw": b"]"}, {"raw": b"C\x17" + FLOATS[1:]}, {"raw": text("x" * 5000)}, {"raw": b"C\0"},
    {"dtype": b"N"}, {"dtype": text("f4")}, {"fortran": b"N"}, {"fortran": b"K\2"},
    {"dtype": DTYPE[:-1] + b"0(" + b"K\x03" + text("!") + b"tb"}], ids=repr)
def test_an_array_that_does_not_fit_its_bytes_is_refused(untrue):
    with pytest.raises(CheckpointError):
        read_all(b"\x80\x04" + dictionary({"a": array(**untrue)}) + b".")


@pytest.mark.parametrize("body", [
    call(name("torch._utils", "_rebuild_tensor_v2"), call(name("x", "Storage")), integer(0), b")", b")"),
    tensor(storage="FalseStorage"), call(name("torch._utils", "_rebuild_parameter"), call(name("x", "y"))),
    call(name("torch.nn.parameter", "Parameter"), call(name("os", "system"), text("ls"))),
    call(name("torch._tensor", "_rebuild_from_type_v2"), name("os", "system"), name("torch", "Tensor"), b")", b"N"),
    call(name("torch._tensor", "_rebuild_from_type_v2"), name("torch._utils", "_rebuild_tensor_v2"), name("x", "T"),
         b")", b"N")])
def test_a_tensor_made_of_anything_unknown_is_refused_by_its_name(body):
    with pytest.raises(CheckpointError, match=r"tensor made of '(x\.|torch\.False|os\.system).*convert it"):
        read_all(torch_zip(dictionary({"a": body}), {"0": SIX}))


def test_a_storage_inside_a_pickle_holds_nothing_but_a_storage():
    for inner in (saved({"a": 1}, legacy=True), saved(torch.ones(2), legacy=True), b"", b"\x80\x02N."):
        body = call(name("torch.storage", "_load_from_bytes"), b"B" + len(inner).to_bytes(4, "little") + inner)
        with pytest.raises(CheckpointError):
            read_all(b"\x80\x04" + dictionary({"a": body}) + b".")


@pytest.mark.filterwarnings("ignore:TypedStorage")
def test_pickles_inside_pickles_share_the_limits():
    inner = saved(torch.ones(2).storage(), legacy=True)
    load = name("torch.storage", "_load_from_bytes") + b"q\0" + b"B" + len(inner).to_bytes(4, "little") + inner + b"q\1"
    with pytest.raises(CheckpointError, match="again and again"):
        read_all(b"\x80\x04}" + load + b"h\0h\1\x85R" * 10_000 + b".")


def test_big_arrays_in_a_pickle_are_views_of_the_file():
    tracemalloc = pytest.importorskip("tracemalloc")
    arrays = {str(i): np.full(2**20, i, np.float32) for i in range(8)}         # 32 MiB, above any limit of a stream
    for protocol, most in ((5, 2**20), (4, 2**20), (2, 2.5 * 2**25)):          # the last writes bytes as text
        raw = pickle.dumps({"model": arrays}, protocol)
        tracemalloc.start()
        tensors = inside(read_all(raw), "model")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < most
        assert [float(tensors[str(i)][-1]) for i in range(8)] == list(range(8))


def test_inspect_lists_what_was_not_read(tmp_path, capsys):
    torch.save({"model": {"a": torch.ones(2)}, "args": company.PLAIN["namespace"]}, tmp_path / "x.pth")
    assert main(["inspect", str(tmp_path / "x.pth")]) == 0
    rows = [row for row in capsys.readouterr().out.splitlines() if row.startswith("not read")]
    assert rows == ["not read       'argparse.Namespace', 'pathlib.PosixPath'"]
    assert main(["inspect", "--json", str(tmp_path / "x.pth")]) == 0
    assert json.loads(capsys.readouterr().out)["not_read"] == ["argparse.Namespace", "pathlib.PosixPath"]


def test_reading_all_of_it_imports_nothing(tmp_path):
    """In a process that has neither torch nor any of the modules that are named."""
    (tmp_path / "x.pth").write_bytes(saved({"model": {"a": torch.ones(2)}, "all": ALL}))
    program = ("import sys; from swin_np.checkpoints.files import read; import numpy.random; before = set(sys.modules);"
               f"stored = read({str(tmp_path / 'x.pth')!r}); new = set(sys.modules) - before;"
               "assert stored.tensors['model/a'].tolist() == [1, 1] and not new, new")
    subprocess.run([sys.executable, "-c", program], check=True)
