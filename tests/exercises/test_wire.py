"""Messages between processes: what is sent arrives, and noise is no message."""

import io

import numpy as np
import pytest

from swin_np.exercises import wire


def there_and_back(value):
    stream = io.BytesIO()
    wire.send(stream, value)
    stream.seek(0)
    return wire.receive(stream)


@pytest.mark.parametrize("value", [
    None, True, 3, -10 ** 5000, 0.1, float("inf"), 1 + 2j, "text", ..., (1, [2.0, ("x",)]), {"a": {"b": (1,)}}, [], ()],
    ids=lambda value: type(value).__name__)
def test_values_arrive_as_they_were(value):
    got = there_and_back(value)
    assert got == value and type(got) is type(value)


@pytest.mark.parametrize("array", [
    np.zeros((2, 0, 3)), np.arange(6, dtype=np.int32).reshape(2, 3).T, np.array(1.5), np.array([True]),
    np.ones(3, np.float16), np.zeros(2, complex), np.array(["a", "bc"]), np.zeros(2, "datetime64[s]"),
    np.arange(4, dtype=">i4")], ids=lambda array: str(array.dtype))
def test_arrays_arrive_as_they_were(array):
    got, = there_and_back((array,))
    assert got.dtype == array.dtype and got.shape == array.shape and np.array_equal(got, array)
    got[...] = got                                     # and can be written to


def test_numpy_s_numbers_arrive_as_such():
    got = there_and_back({"x": np.float32(0.1), "n": np.int64(3)})
    assert type(got["x"]) is np.float32 and type(got["n"]) is np.int64


def test_nan_arrives():
    assert np.isnan(there_and_back(float("nan")))


@pytest.mark.parametrize("value", [object(), lambda: 1, iter([]), {1: 2}, {1}, b"x", ValueError("x")])
def test_anything_else_arrives_as_an_object_of_a_class_of_that_name(value):
    assert type(there_and_back(value)).__name__ == type(value).__name__


def test_arrays_of_objects_arrive_without_them():
    got = there_and_back(np.array([[1, None]], object))
    assert got.shape == (1, 2) and got.dtype == object


def test_what_is_too_large_is_not_sent():
    with pytest.raises(wire.MessageError, match="expected 64 at most"):
        wire.send(io.BytesIO(), np.zeros(10 ** 7))


@pytest.mark.parametrize("data", [
    wire.HEAD.pack(2 ** 60, 0), wire.HEAD.pack(3, 0) + b"[[[", wire.HEAD.pack(2, 0) + b"[]",
    wire.HEAD.pack(len(b'["array","|O",[1],0,8]'), 8) + b'["array","|O",[1],0,8]' + b"x" * 8,
    wire.HEAD.pack(len(b'["array","<f8",[9],0,8]'), 8) + b'["array","<f8",[9],0,8]' + b"x" * 8,
    wire.HEAD.pack(len(b'["objects",[9999999999]]'), 0) + b'["objects",[9999999999]]', b"x" * 40])
def test_noise_is_no_message(data):
    with pytest.raises((wire.MessageError, EOFError)):
        wire.receive(io.BytesIO(data))


def test_the_end_is_told():
    with pytest.raises(EOFError):
        wire.receive(io.BytesIO(b""))
