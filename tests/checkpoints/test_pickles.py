"""The pickle reader: plain values as Python's own pickle writes them; all other names are placeholders, and not run."""

import builtins
import collections
import functools
import os
import pickle
import struct
import sys
import tracemalloc

import numpy as np
import pytest
from stored_files import call, dictionary, integer, name, sequence, stream, text

from swin_np.checkpoints.formats.pickles import PLAIN_NAMES, PickleReader
from swin_np.checkpoints.formats.placeholders import Account, Placeholder
from swin_np.errors import CheckpointError


def load(raw: bytes):
    return load_with_account(raw)[0]


def load_with_account(raw: bytes):
    def persistent(identity):
        raise CheckpointError("no persistent ids here")
    account = Account(len(raw))
    return PickleReader(memoryview(raw), 0, PLAIN_NAMES, persistent, account).load(), account


class Reduced:
    """Pickled as a call of `function` with `arguments`."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


class CfgNode(dict):
    """A configuration, as of yacs: a dict with attributes."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.frozen = True


class Ordered(collections.OrderedDict):
    """An OrderedDict of another class."""


PLAIN = {
    "numbers": [0, 1, 255, 256, 65535, 65536, -1, -2**31, 2**31, -2**63, 2**100, 2**200, -2**2039,
                0.5, -1e300, True, False, None],
    "text": ["", "a", "ä€😀", "a\nb\\u", "\ud800", "x" * 10_000],
    "bytes": [b"", b"\0\xff", b"y" * 300, b"z" * 4096],
    "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)], "nested": {"a": {1: [{}, {"b": ([],)}]}},
    "ordered": collections.OrderedDict(z=1, a=2), "many": list(range(2000)), 7: {str(i): i for i in range(2000)},
}


@pytest.mark.parametrize("protocol", range(6))
def test_plain_values_are_read_as_pickle_wrote_them(protocol):
    assert load(pickle.dumps(PLAIN, protocol)) == PLAIN


@pytest.mark.parametrize("protocol", range(6))
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


def test_long_bytes_are_views_of_the_stream():
    for protocol in (3, 4, 5):
        raw = pickle.dumps([b"z" * 5000, bytearray(b"y" * 5000)][:protocol - 3], protocol)
        for value, letter in zip(load(raw), b"zy", strict=False):
            assert isinstance(value, memoryview)
            assert bytes(value) == bytes([letter]) * 5000


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(("function", "arguments", "asked"), [
    (os.system, ("touch executed",), f"{os.name}.system"), (eval, ("1/0",), "eval"), (exec, ("1/0",), "exec"),
    (getattr, (0, "real"), "getattr"), (functools.partial, (print,), "functools.partial"),
    (np.load, ("x",), "numpy.load"), (open, ("executed", "w"), "open"), (__import__, ("os",), "__import__"),
    (bytearray, (2**40,), "bytearray"), (np.zeros, (2**40,), "zeros"), (range, (1,), "range")],
    ids=lambda value: getattr(value, "__name__", str(value)))          # no address of a function, which changes
def test_a_name_off_the_closed_list_is_an_inert_placeholder(tmp_path, monkeypatch, function, arguments, asked,
                                                            protocol):
    monkeypatch.chdir(tmp_path)
    result, account = load_with_account(pickle.dumps({"model": Reduced(function, *arguments)}, protocol))
    assert type(result["model"]) is Placeholder
    assert result["model"].name.endswith(asked)
    assert result["model"].name in account.unread
    assert not result["model"]
    assert not list(tmp_path.iterdir())


def test_nothing_is_imported_or_looked_up(monkeypatch):
    def forbidden(*arguments, **named):
        raise AssertionError(arguments)
    raw = stream(b"](" + call(name("antigravity", "fly"), text("x")) + text("this") + text("s") + b"\x93)\x81e")
    reader = PickleReader(memoryview(raw), 0, PLAIN_NAMES, forbidden, Account(len(raw)))
    before = set(sys.modules)
    with monkeypatch.context() as patched:
        for function in ("__import__", "eval", "exec", "compile", "getattr", "open"):
            patched.setitem(vars(builtins), function, forbidden)
        result = reader.load()
    assert [each.name for each in result] == ["antigravity.fly", "this.s"]
    assert set(sys.modules) == before


@pytest.mark.parametrize("asked", ["argparse.Namespace", "yacs.config.CfgNode", "collections.OrderedDict.fromkeys",
                                   "numpy.core.multiarray.fromstring", "builtins.dict", "torch.load"])
def test_config_objects_and_neighbours_of_allowed_names_are_placeholders(asked):
    module, attribute = asked.rsplit(".", 1)
    for spelled in (name(module, attribute), text(module) + text(attribute) + b"\x93"):
        for used in (spelled, call(spelled), spelled + b")\x81", spelled + b")}\x92", spelled + b")\x81}b",
                     b"(" + spelled + b"K\1o", call(spelled) + b"(K\1e", call(spelled) + b"(K\1\x90"):
            result, account = load_with_account(stream(used))
            assert type(result) is Placeholder
            assert (result.name, account.unread) == (asked, {asked})
    assert load(stream(f"(i{module}\n{attribute}\n".encode())).name == asked


def test_a_placeholder_keeps_what_is_set_into_it_as_into_a_dict_and_nothing_else():
    made = call(name("yacs.config", "CfgNode")) + b"(" + text("a") + b"K\1u" + text("b") + b"K\2s"
    state = dictionary({"attribute": integer(3)}) + b"b"
    assert load(stream(made + state)) == {"a": 1, "b": 2}
    assert load(stream(call(name("flax.core", "FrozenDict"), dictionary({"a": integer(1)})))) == {"a": 1}
    assert load(stream(call(name("x", "y"), dictionary({"a": integer(1)}), b"N"))) == {}


@pytest.mark.parametrize("protocol", range(6))
def test_dicts_of_other_classes_keep_their_entries(protocol):
    for value in (collections.defaultdict(list, a=[1]), CfgNode(a=[1]), Ordered(a=[1])):
        result = load(pickle.dumps({"model": value}, protocol))
        assert result == {"model": {"a": [1]}}
        assert result["model"].name.endswith(type(value).__name__)


def test_instances_of_one_class_are_placeholders_of_their_own():
    first, second = load(pickle.dumps([CfgNode(a=1), CfgNode(b=2)], 4))
    assert (first, second) == ({"a": 1}, {"b": 2})


def test_only_constructors_can_be_called():
    for function in (text("os.system"), dictionary({}), b"N", call(name("numpy", "dtype"), text("f8"))):
        with pytest.raises(CheckpointError, match="damaged"):
            load(stream(call(function, text("ls"))))


@pytest.mark.parametrize("opcode", [
    b"\x82\x01", b"\x83\x01\0", b"\x84\x01\0\0\0", b"Pos\n", b"o", b"\x8b\xff\xff\xff\x7f", b"\x8b\xff\xff\xff\xff",
    b"\x96", b"\x97", b"\x98", b"\x91", b"Ix\n", b"L1LL\n", b"F1,5\n", b"F" + b"1" * 2000 + b"\n", b"Sa\n", b"S'a\n",
    b"S'\\'\n", b"S'\\z'\n", b"S'\\x1'\n", b"S'\\700'\n", b"V\\u12\n", b"1", b"gx\n", b"g9\n", b"p-1\n",
    b"p" + b"9" * 30 + b"\n", b"p99999999999\n", b"i\n", b"I1", b"(K\1d", b"\xff"], ids=repr)
def test_opcodes_that_lead_out_of_the_stream_and_false_ones_are_refused(opcode):
    with pytest.raises(CheckpointError, match=r"opcode|damaged|protocol 0|cut off"):
        load(stream(b"K\1K\1" + opcode))


@pytest.mark.parametrize(("opcodes", "value"), [
    (b"I01\n", True), (b"I00\n", False), (b"I-5\n", -5), (b"L%d\n" % 2**200, 2**200), (b"L-7L\n", -7),
    (b"F-1.5\n", -1.5),
    (b"S'a\\x62\\n\\'\\\\'\n", "ab\n'\\"), (b'S"\\xff"\n', b"\xff"), (b"Va\\u20ac\n", "a€"), (b"K\1K\0020", 1),
    (b"(K\1K\2d", {1: 2}), (b"(K\1l", [1]), (b"K\1(K\0021", 1), (b"K\1(0", 1), (b"K\0012\x86", (1, 1)),
    (b"(K\1p3\ng3\nt", (1, 1)), (b"\x8b\2\0\0\0\0\x80", -2**15), (b"\x96\2" + bytes(7) + b"ab", b"ab")], ids=repr)
def test_opcodes_of_every_protocol_do_what_pickle_says(opcodes, value):
    raw = stream(opcodes)
    assert pickle.loads(raw, encoding="bytes" if value == b"\xff" else "ASCII") == value
    assert load(raw) == value


def test_an_integer_in_text_of_more_than_a_thousand_digits_takes_no_time():
    """Python refuses it, or takes a time that grows with the square of the length."""
    result, account = load_with_account(stream(b"L" + b"9" * 1_000_000 + b"L\n"))
    assert type(result) is Placeholder
    assert account.unread == {"an integer of a thousand digits"}


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


@pytest.mark.parametrize(("key", "kept"), [
    (b"N", "None"), (b"G" + struct.pack(">d", 0.5), "0.5"), (b"C\x01a", "a"), (b"\x88", True), (integer(-5), -5),
    (integer(2**63 - 1), 2**63 - 1), (text("a"), "a")])
def test_keys_are_kept_as_text_or_integers(key, kept):
    for body in (b"}" + key + b"K\7s", name("collections", "OrderedDict") + b"](](" + key + b"K\7ee\x85R"):
        assert load(stream(body)) == {kept: 7}


@pytest.mark.parametrize("key", [b")", b"]", b"}", b"C\x01\xff", integer(2**64), integer(-2**63 - 1),
                                 name("torch", "nn")], ids=repr)
def test_entries_under_other_keys_are_dropped_and_nothing_is_hashed(key):
    for body in (b"}" + key + b"K\7s" + text("a") + b"K\1s",
                 name("collections", "OrderedDict") + b"](](" + key + b"K\7e](" + text("a") + b"K\1ee\x85R"):
        assert load(stream(body)) == {"a": 1}
    assert any("an entry under a key of type" in sentence
               for sentence in load_with_account(stream(b"}" + key + b"K\7s"))[1].unread)


@pytest.mark.parametrize(("layer", "depth"), [
    (b"](%be", 100_000), (b"(%bt", 100_000), (b"}K\x01%bs", 100_000), (b"h\1)R(K\1%bu", 40_000), (b"h\1(%btR", 50_000),
    (b"h\1)R%bb", 50_000)], ids=["list", "tuple", "dict", "placeholder", "arguments", "state"])
def test_nesting_very_deep_costs_no_stack(layer, depth):
    before, after = layer.split(b"%b")
    assert load(stream(name("x", "y") + b"q\1" + before * depth + b"N" + after * depth)) is not None


@pytest.mark.parametrize("body", [
    (b"(" + b"N" * 2**20, b"t"), (b"]" * 2**20, b""),
    (b"](" + b"](K\1K\2e" * 2**16 + b"eq\0" + name("collections", "OrderedDict") + b"q\1", b"h\1h\0\x85R" * 100),
], ids=["items", "lists", "dicts of one list"])
def test_work_and_memory_are_limited(body):
    with pytest.raises(CheckpointError, match="more than 400000 steps"):
        load(stream(b"".join(body)))


def test_texts_are_copied_once_however_long():
    body = text("x" * 2**22) + b"q\0" + name("_codecs", "encode") + b"q\1" + text("latin1") + b"q\2"
    assert load(stream(body + b"h\1h\0h\2\x86R")) == b"x" * 2**22
    with pytest.raises(CheckpointError, match="again and again"):
        load(stream(body + b"h\1h\0h\2\x86R" * 4))


@pytest.mark.parametrize("body", [
    b"]" + b"(h\0h\0h\0h\0e" * 40, name("x", "y") + b"q\1h\1)R" + b"q\2h\1h\2\x85R" * 10_000,
    b"".join(b"](" + b"h%c" % max(i - 1, 0) * 10 + b"eq%c" % i for i in range(200)),
    b"".join(name(f"module{i}", "x" * 150) for i in range(50_000)),
    name("x", "y") + b"q\1" + b"h\1)R" * 90_000], ids=["lists", "placeholders", "laughs", "names", "instances"])
def test_memory_is_bounded_whatever_the_stream_says(body):
    raw = stream(b"]q\0" + body)
    tracemalloc.start()
    result = load(raw)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result is not None
    assert peak < 100_000_000


@pytest.mark.parametrize("arguments", [
    (name("numpy", "dtype"),), (name("_codecs", "encode"), text("a"), text("zlib")),
    (name("_codecs", "encode"), text("€"), text("latin1")), (name("collections", "OrderedDict"), integer(5)),
    (name("collections", "OrderedDict"), b"](K\x01e"), (name("numpy.core.multiarray", "scalar"), text("f8"), text("")),
    (name("numpy.core.multiarray", "scalar"), call(name("numpy", "dtype"), text("f8")), b"C\x04abcd"),
], ids=repr)
def test_constructors_check_their_arguments(arguments):
    with pytest.raises(CheckpointError):
        load(stream(call(*arguments)))
