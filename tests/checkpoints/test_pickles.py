"""The pickle reader: plain values as Python's own pickle writes them, and no name beyond the closed list."""

import collections
import functools
import os
import pickle

import numpy as np
import pytest
from stored_files import call, dictionary, integer, name, sequence, stream, text

from swin_np.checkpoints.formats.pickles import PLAIN_NAMES, PickleReader
from swin_np.errors import CheckpointError


def load(raw: bytes):
    def persistent(identity):
        raise CheckpointError("no persistent ids here")
    return PickleReader(memoryview(raw), 0, PLAIN_NAMES, persistent).load()


class Reduced:
    """Pickled as a call of `function` with `arguments`."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


PLAIN = {
    "numbers": [0, 1, 255, 256, 65535, 65536, -1, -2**31, 2**31, -2**63, 2**100, 2**200, -2**2039,
                0.5, -1e300, True, False, None],
    "text": ["", "a", "ä€😀", "x" * 300], "bytes": [b"\0\xff", b"y" * 300],
    "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)], "nested": {"a": {1: [{}, {"b": ([],)}]}},
    "ordered": collections.OrderedDict(z=1, a=2), "many": list(range(2000)), 7: {str(i): i for i in range(2000)},
}


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_values_are_read_as_pickle_wrote_them(protocol):
    assert load(pickle.dumps(PLAIN, protocol)) == PLAIN


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("value", [np.float64(1 / 3), np.float32(0.1), np.float16(2), np.int64(-5), np.uint8(200),
                                   np.bool_(True), np.array(3.5, ">f8")[()]], ids=str)
def test_numpy_scalars_become_python_numbers(value, protocol):
    result = load(pickle.dumps(value, protocol))
    assert result == value.item()
    assert type(result) is type(value.item())


def test_numpy_scalars_in_the_other_byte_order_are_read():
    dtype = call(name("numpy", "dtype"), text("f8")) + sequence(integer(3), text(">")) + b"b"
    raw = np.array(1 / 3, ">f8").tobytes()
    assert load(stream(call(name("numpy.core.multiarray", "scalar"), dtype, b"C\x08" + raw))) == 1 / 3


def test_ordered_dicts_and_texts_of_python_2_are_read():
    pairs = b"](" + b"](U\x01aK\x01e" + b"](U\x01bK\x02e" + b"e"
    assert load(stream(name("collections", "OrderedDict") + pairs + b"\x85R")) == {"a": 1, "b": 2}


def test_a_container_that_holds_itself_is_read():
    cycle: dict = {"list": []}
    cycle["self"] = cycle
    cycle["list"].append(cycle["list"])
    result = load(pickle.dumps(cycle, 2))
    assert result["self"] is result
    assert result["list"][0] is result["list"]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize(("function", "arguments", "asked"), [
    (os.system, ("touch executed",), f"{os.name}.system"), (eval, ("1/0",), "eval"), (exec, ("1/0",), "exec"),
    (getattr, (0, "real"), "getattr"), (functools.partial, (print,), "functools.partial"),
    (np.load, ("x",), "numpy.load"), (open, ("executed", "w"), "open"), (__import__, ("os",), "__import__"),
    (bytearray, (2**40,), "bytearray"), (np.zeros, (2**40,), "zeros"), (range, (1,), "range")], ids=str)
def test_a_name_off_the_closed_list_is_refused_by_name_and_not_run(tmp_path, monkeypatch, function, arguments, asked,
                                                                  protocol):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match=f"asks for '.*{asked}'"):
        load(pickle.dumps({"model": Reduced(function, *arguments)}, protocol))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("asked", ["argparse.Namespace", "yacs.config.CfgNode", "collections.OrderedDict.fromkeys",
                                   "numpy.core.multiarray._reconstruct", "builtins.dict", "torch.load"])
def test_config_objects_and_neighbours_of_allowed_names_are_refused_by_name(asked):
    module, attribute = asked.rsplit(".", 1)
    for spelled in (name(module, attribute), text(module) + text(attribute) + b"\x93"):
        with pytest.raises(CheckpointError, match=f"asks for '{asked}'.*model.state_dict"):
            load(stream(spelled))


def test_only_constructors_can_be_called():
    for function in (text("os.system"), dictionary({}), b"N", call(name("numpy", "dtype"), text("f8"))):
        with pytest.raises(CheckpointError, match="damaged"):
            load(stream(call(function, text("ls"))))


@pytest.mark.parametrize("opcode", [b"\x82\x01", b"\x83\x01\0", b"\x84\x01\0\0\0", b"Pos\n", b"\x92",
                                    b"iposix\nsystem\n", b"o", b"\x8b\xff\xff\xff\x7f", b"\x8f", b"\x91",
                                    b"\x96", b"\x97", b"I1\n", b"L1L\n", b"F1\n", b"S'a'\n", b"0", b"1", b"2",
                                    b"\xff"], ids=repr)
def test_opcodes_that_no_state_dict_needs_are_refused(opcode):
    with pytest.raises(CheckpointError, match=r"opcode|damaged"):
        load(stream(b"K\1K\1" + opcode))


@pytest.mark.parametrize("raw", [
    b"", b"\x80", b"\x80\x02", b"\x80\x02.", b"\x80\x02t.", b"\x80\x02\x85.", b"\x80\x02h\x05.", b"\x80\x02q\x05.",
    b"\x80\x02}K\x01s.", b"\x80\x02}(K\x01u.", b"\x80\x02K\x01(K\x01e.", b"\x80\x02K\x01K\x01a.", b"\x80\x02]b.",
    b"\x80\x02cos\nsystem", b"\x80\x02c", b"\x80\x02X\xff\xff\xff\xffab.", b"\x80\x02B\xff\xff\xff\x7fab.",
    b"\x80\x02\x8d" + b"\xff" * 8 + b".", b"\x80\x05\x8e" + b"\xff" * 7 + b"\x7f.",
    b"\x80\x02\x8a\xff" + b"\1" * 254, b"\x80\x02X\x01\0\0\0\xff.", b"\x80\x02\x95\xff\xff",
    b"\x80\x02NQ.", b"\x80\x02R.", b"\x80\x02b.", b"\x80\x02\x93.",
], ids=repr)
def test_a_broken_stream_is_refused(raw):
    with pytest.raises(CheckpointError):
        load(raw)


@pytest.mark.parametrize("key", [b")", b"N", b"]", b"G" + bytes(8), b"C\x01a", integer(2**64), integer(-2**63 - 1)],
                         ids=repr)
def test_keys_other_than_text_and_integers_are_refused(key):
    for body in (b"}" + key + b"Ns", name("collections", "OrderedDict") + b"](](" + key + b"Nee\x85R"):
        with pytest.raises(CheckpointError, match="keys"):
            load(stream(body))


@pytest.mark.parametrize("layer", [b"](%be", b"(%bt", b"}K\x01%bs"], ids=["list", "tuple", "dict"])
def test_nesting_a_hundred_thousand_deep_costs_no_stack(layer):
    before, after = layer.split(b"%b")
    assert load(stream(before * 100_000 + b"N" + after * 100_000)) is not None


@pytest.mark.parametrize("body", [
    (b"(" + b"N" * 2**20, b"t"), (b"]" * 2**20, b""),
    (text("x" * 2**16) + b"q\0" + name("_codecs", "encode") + b"q\1" + text("latin1") + b"q\2",
     b"h\1h\0h\2\x86R" * 100),
    (b"](" + b"](K\1K\2e" * 2**16 + b"eq\0" + name("collections", "OrderedDict") + b"q\1", b"h\1h\0\x85R" * 100),
], ids=["items", "lists", "encoded texts", "dicts of one list"])
def test_work_and_memory_are_limited(body):
    with pytest.raises(CheckpointError, match="more than 400000 steps"):
        load(stream(b"".join(body)))


def test_a_stream_longer_than_the_limit_is_refused():
    with pytest.raises(CheckpointError, match="longer than 4194304 bytes"):
        load(stream(text("x" * 2**22)))


@pytest.mark.parametrize("arguments", [
    (name("numpy", "dtype"), text("O8")), (name("numpy", "dtype"), text("V1000000000")), (name("numpy", "dtype"),),
    (name("numpy", "dtype"), sequence()), (name("_codecs", "encode"), text("a"), text("zlib")),
    (name("_codecs", "encode"), text("€"), text("latin1")), (name("collections", "OrderedDict"), integer(5)),
    (name("collections", "OrderedDict"), b"](K\x01e"), (name("numpy.core.multiarray", "scalar"), text("f8"), text("")),
    (name("numpy.core.multiarray", "scalar"), call(name("numpy", "dtype"), text("f8")), b"C\x04abcd"),
], ids=repr)
def test_constructors_check_their_arguments(arguments):
    with pytest.raises(CheckpointError):
        load(stream(call(*arguments)))
