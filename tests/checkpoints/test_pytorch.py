"""PyTorch's two formats: what torch.save writes is read to the bit, and what cannot be right is refused."""

import numpy as np
import pytest
from stored_files import (
    DATA,
    call,
    dictionary,
    inside,
    integer,
    name,
    read_all,
    sequence,
    tensor,
    text,
    torch_legacy,
    torch_zip,
)

from swin_np.checkpoints.files import read
from swin_np.errors import CheckpointError

SIX = np.arange(6, dtype="<f4").tobytes()
DTYPES = ("float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool")


def assert_same(ours, theirs) -> None:
    """Two dicts of arrays agree in names, dtypes, shapes and every bit."""
    assert set(ours) == set(theirs)
    for key in ours:
        assert (ours[key].dtype, ours[key].shape) == (theirs[key].dtype, theirs[key].shape), key
        assert ours[key].tobytes() == theirs[key].tobytes(), key


@pytest.fixture(params=[True, False], ids=["zip", "legacy"])
def saved(request, tmp_path):
    """A function that saves an object with torch and gives the path."""
    torch = pytest.importorskip("torch")

    def save(thing, **options):
        torch.save(thing, tmp_path / "saved", _use_new_zipfile_serialization=request.param, **options)
        return tmp_path / "saved"
    return save


@pytest.mark.parametrize(("file", "truth"), [
    ("training.pth", "expected.npz"), ("training_legacy.pth", "expected.npz"), ("protocol4.pth", "expected.npz"),
    ("torch_1_0.pth", "torch_1_0_expected.npz")])
def test_stored_files_of_torch_are_read_to_the_bit_without_torch(file, truth):
    with np.load(DATA / truth) as expected:
        stored = read(DATA / file)
        assert_same(inside(stored, "model") or inside(stored, "state_dict") or stored.tensors, dict(expected))


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_is_read_to_the_bit(saved, dtype):
    torch = pytest.importorskip("torch")
    value = torch.randint(-2**62, 2**62, (3, 5)).view(torch.uint8)
    value = (value > 99) if dtype == "bool" else value.view(getattr(torch, dtype))      # all bit patterns, NaN too
    theirs = value.float() if dtype == "bfloat16" else value
    assert_same(read(saved({"x": value})).tensors, {"x": theirs.numpy()})


def test_views_of_a_shared_storage_are_read_to_the_bit(saved):
    torch = pytest.importorskip("torch")
    base = torch.randn(4, 5, 6)
    views = {"whole": base, "transposed": base.transpose(0, 2), "row": base[2], "strided": base[::2, 1:, ::3],
             "expanded": base[:1].expand(4, 5, 6), "scalar": base[3, 2, 1], "empty": base[4:],
             "permuted": base.permute(1, 2, 0), "diagonal": base[0].diagonal()}
    ours = read(saved(views)).tensors
    assert_same(ours, {key: view.numpy() for key, view in views.items()})
    assert all(np.shares_memory(ours["whole"], ours[key]) for key in views if key != "empty")


def test_parameters_and_wrapped_state_dicts_with_metadata_are_read(saved):
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm2d(4))
    parameters = dict(module.named_parameters())
    parameters["0.weight"].marked = True               # torch writes an attribute of a parameter too
    assert_same(read(saved(parameters)).tensors, {k: v.detach().numpy() for k, v in parameters.items()})
    state = module.state_dict()
    assert_same(inside(read(saved({"model": state})), "model"), {k: v.numpy() for k, v in state.items()})


@pytest.mark.parametrize("protocol", [1, 2, 3, 4, 5])
def test_every_pickle_protocol_of_torch_is_read(saved, protocol):
    torch = pytest.importorskip("torch")
    state = {"weight": torch.randn(2, 3), "bias": torch.zeros(2)}
    checkpoint = read(saved({"state_dict": state, "lr": np.float64(0.1), "raw": b"\0\xff"}, pickle_protocol=protocol))
    assert_same(inside(checkpoint, "state_dict"), {k: v.numpy() for k, v in state.items()})


def test_protocol_0_of_torch_is_refused_by_its_cause(saved):
    torch = pytest.importorskip("torch")
    with pytest.raises(CheckpointError, match="protocol 0, which does not say where the tensors lie: save it again"):
        read(saved({"a": torch.ones(2)}, pickle_protocol=0))


def test_a_training_checkpoint_with_optimizer_and_scheduler_is_read(saved):
    torch = pytest.importorskip("torch")
    module = torch.nn.Linear(3, 4)
    optimizer = torch.optim.AdamW(module.parameters(), lr=0.01)
    module(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    checkpoint = read(saved({
        "model": module.state_dict(), "optimizer": optimizer.state_dict(),
        "lr_scheduler": torch.optim.lr_scheduler.StepLR(optimizer, 5).state_dict(), "epoch": 3,
        "accuracy": np.float32(81.25), "dtype": torch.float16, "device": torch.device("cpu"),
        "size": torch.Size([2, 3]), "random": torch.get_rng_state()}))
    assert_same(inside(checkpoint, "model"), {k: v.numpy() for k, v in module.state_dict().items()})
    assert {"epoch", "accuracy", "device", "lr_scheduler"} <= set(checkpoint.others)
    assert checkpoint.tensors["optimizer/state/0/exp_avg"].shape == (4, 3)


def test_float32_tensors_are_read_only_views_of_the_mapped_file(saved):
    torch = pytest.importorskip("torch")
    tracemalloc = pytest.importorskip("tracemalloc")
    path = saved({"model": {str(i): torch.full((2**20,), float(i)) for i in range(8)}})         # 32 MiB
    tracemalloc.start()
    tensors = inside(read(path), "model")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20
    assert [float(tensors[str(i)][-1]) for i in range(8)] == list(range(8))
    assert not any(value.flags.writeable or value.flags.owndata for value in tensors.values())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torchscript_is_refused(tmp_path):
    torch = pytest.importorskip("torch")
    torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.ones(1, 2)), tmp_path / "script.pt")
    with pytest.raises(CheckpointError, match="TorchScript archive"):
        read(tmp_path / "script.pt")


def test_a_whole_pickled_module_is_refused_by_the_name_of_its_class(saved):
    torch = pytest.importorskip("torch")
    with pytest.raises(CheckpointError, match=r"objects of 'torch.nn.modules.linear.Linear'.*model.state_dict\(\)"):
        read(saved({"model": torch.nn.Linear(2, 2)}))


def test_hand_made_files_that_the_refusals_below_vary_are_read():
    expected = {"a": np.arange(6, dtype=np.float32).reshape(2, 3)}
    assert_same(read_all(torch_zip(dictionary({"a": tensor()}), {"0": SIX})).tensors, expected)
    assert_same(read_all(torch_legacy(dictionary({"a": tensor(legacy=True)}), {"0": (6, SIX)})).tensors, expected)


PARAMETER, FLOAT_TENSOR = name("torch.nn.parameter", "Parameter"), name("torch", "FloatTensor")
IDENTITY = sequence(text("storage"), name("torch", "FloatStorage"), text("0"), text("cpu"), integer(6), b"N") + b"Q"
VIEW = (IDENTITY, integer(0), sequence(integer(2), integer(3)), sequence(integer(3), integer(1)))
OLD_TENSORS = {                                        # as PyTorch 0.1 to 0.4 wrote them
    "rebuilt": call(name("torch._utils", "_rebuild_tensor"), *VIEW),
    "called": call(FLOAT_TENSOR, *VIEW), "built": FLOAT_TENSOR + b")\x81" + sequence(*VIEW) + b"b",
    "parameter": call(PARAMETER, tensor(legacy=True), b"\x88"),
    "parameter with flags": call(PARAMETER, tensor(legacy=True), b"\x88") + sequence(b"\x88", b"\x89", b"N") + b"b",
    "variable": PARAMETER + b")\x81" + sequence(tensor(legacy=True), b"N", b"N", b"\x88", b"\x89") + b"b",
    "nested": call(PARAMETER, FLOAT_TENSOR + b")\x81" + sequence(*VIEW) + b"b")}


@pytest.mark.parametrize("old", OLD_TENSORS.values(), ids=OLD_TENSORS)
def test_tensors_as_old_versions_of_torch_wrote_them_are_read(old):
    tensors = read_all(torch_legacy(dictionary({"a": old}), {"0": (6, SIX)})).tensors
    assert_same(tensors, {"a": np.arange(6, dtype=np.float32).reshape(2, 3)})


@pytest.mark.parametrize("untrue", [
    FLOAT_TENSOR + b")\x81", PARAMETER + b")\x81Nb", PARAMETER + b")\x81" + sequence(b"N", b"N", b"N") + b"b",
    call(PARAMETER, text("x")), call(FLOAT_TENSOR, integer(6)), FLOAT_TENSOR + b")\x81q\1" + sequence(
        b"h\1", b"N", b"N", b"N", b"N") + b"b", call(name("torch", "Size"), integer(2)),
    call(name("torch", "device"), integer(0)), call(name("torch._utils", "_rebuild_parameter"), b"N"),
    call(name("torch._utils", "_rebuild_tensor_v2"), b"N")], ids=repr)
def test_tensors_without_data_or_of_false_arguments_are_refused(untrue):
    with pytest.raises(CheckpointError, match=r"not described as torch\.save does"):
        read_all(torch_legacy(dictionary({"a": untrue}), {"0": (6, SIX)} if b"torch\nFloatStorage" in untrue else {}))


def test_a_storage_that_views_another_is_refused():
    view = sequence(text("7"), integer(0), integer(6))
    with pytest.raises(CheckpointError, match=r"before 0\.4"):
        read_all(torch_zip(IDENTITY[:-3] + view + b"tQ", {"0": SIX}))


@pytest.mark.parametrize(("untrue", "message"), [
    ({"shape": (2, 4)}, "storage of 6"), ({"offset": 1}, "storage of 6"), ({"stride": (4, 1)}, "storage of 6"),
    ({"offset": -1}, "offset and strides"), ({"stride": (-3, 1)}, "offset and strides"),
    ({"stride": (1,)}, "offset and strides"), ({"shape": (-2, -3)}, "lengths from 0 on"),
    ({"shape": (2**40,), "stride": (0,)}, "repeats 6 stored"), ({"shape": (400,), "stride": (0,)}, "repeats 6 stored"),
    ({"shape": (2**41,), "stride": (0,)}, "more than"), ({"shape": (0, 2**41), "stride": (1, 1)}, "more than"),
    ({"shape": (1,) * 33, "stride": (1,) * 33}, "lengths from 0 on"), ({"offset": 2**100}, "storage of 6"),
    ({"count": 7}, "7 float32 elements has 24 bytes"), ({"count": -1}, "not described"),
    ({"count": 2**62}, "has 24 bytes"), ({"key": "1"}, "no entry 'archive/data/1'"), ({"key": "../0"}, "no entry"),
    ({"storage": "DoubleStorage"}, "6 float64 elements has 24 bytes"),
    ({"storage": "ComplexFloatStorage"}, "a tensor of torch.ComplexFloatStorage'.*save model.state_dict"),
    ({"storage": "FalseStorage"}, "tensor made of 'torch.FalseStorage'"),
])
def test_a_tensor_that_does_not_fit_its_storage_is_refused(untrue, message):
    with pytest.raises(CheckpointError, match=message):
        read_all(torch_zip(dictionary({"a": tensor(**untrue)}), {"0": SIX}))


@pytest.mark.parametrize(("count", "raw", "message"), [
    (7, SIX, "damaged"), (-1, SIX, "damaged"), (2**62, SIX, "damaged"), (6, SIX[:-1], "cut off"), (6, b"", "cut off")])
def test_a_legacy_file_whose_storage_lies_about_its_length_is_refused(count, raw, message):
    with pytest.raises(CheckpointError, match=message):
        read_all(torch_legacy(dictionary({"a": tensor(legacy=True)}), {"0": (count, raw)}))


def test_a_legacy_file_with_a_negative_storage_is_refused():
    """A step back would let many storages be made of the same bytes."""
    with pytest.raises(CheckpointError, match="not described"):
        read_all(torch_legacy(dictionary({"a": tensor(count=-1, legacy=True)}), {"0": (-1, b"")}))


def test_a_legacy_file_with_a_storage_twice_or_unknown_is_refused():
    body = dictionary({"a": tensor(legacy=True), "b": tensor("1", legacy=True)})
    file = torch_legacy(body, {"0": (6, SIX), "1": (6, SIX)})
    keys = text("0") + text("1")
    assert read_all(file).tensors["b"].tolist() == [[0, 1, 2], [3, 4, 5]]
    for changed in (text("0") + text("0"), text("0") + text("2"), text("0") + b"J" + bytes(4)):
        assert file.count(keys) == 1
        with pytest.raises(CheckpointError, match="not described"):
            read_all(file.replace(keys, changed))


def test_another_legacy_protocol_is_refused():
    file = torch_legacy(dictionary({"a": tensor(legacy=True)}), {"0": (6, SIX)})
    with pytest.raises(CheckpointError, match="legacy protocol 1001"):
        read_all(file.replace(b"M\xe9\x03.", b"M\xea\x03.", 1))


@pytest.mark.parametrize("view", [{"shape": (1, 6), "stride": (2**100, 1)}, {"shape": (6, 1), "stride": (1, 0)},
                                  {"shape": (0, 5), "stride": (9, 9), "offset": 99}, {"shape": (6,), "stride": (0,)}])
def test_strides_that_are_never_taken_may_be_anything(view):
    value = read_all(torch_zip(dictionary({"a": tensor(**view)}), {"0": SIX})).tensors["a"]
    assert value.shape == view["shape"]
    assert not value.flags.writeable


def test_one_storage_asked_for_as_two_dtypes_is_refused():
    body = dictionary({"a": tensor(), "b": tensor(storage="IntStorage")})
    with pytest.raises(CheckpointError, match=r"not described as torch\.save does"):
        read_all(torch_zip(body, {"0": SIX}))


def test_a_big_endian_file_is_refused():
    zipped = torch_zip(dictionary({"a": tensor()}), {"0": SIX}, byteorder=b"big")
    legacy = torch_legacy(dictionary({"a": tensor(legacy=True)}), {"0": (6, SIX)})
    flag = b"little_endian\x88"
    assert flag in legacy
    for file in (zipped, legacy.replace(flag, b"little_endian\x89")):
        with pytest.raises(CheckpointError, match="big-endian"):
            read_all(file)


def test_bfloat16_storage_shared_by_many_tensors_is_widened_once():
    body = dictionary({str(i): tensor(storage="BFloat16Storage", count=2**20, shape=(2**20,), stride=(1,))
                       for i in range(50)})
    tensors = read_all(torch_zip(body, {"0": bytes(2**21)})).tensors
    assert all(np.shares_memory(tensors["0"], value) for value in tensors.values())
