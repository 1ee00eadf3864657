"""What each opcode of a pickle does: those of protocols 0 to 5, but for extension numbers and buffers elsewhere."""

import pickle
import re
from codecs import escape_decode
from collections.abc import Callable

from swin_np.checkpoints.formats.machine import LONGEST_LINE, LOOK_UP, Machine
from swin_np.checkpoints.formats.placeholders import SHORT, damaged
from swin_np.errors import CheckpointError

Action = Callable[[Machine], None]

UNKNOWN_ESCAPE = re.compile(rb"\\(?!x[0-9a-fA-F]{2}|[0-3][0-7]{2}|['\"abfnrtv])")
LARGEST_MEMO = 2**32

# Bytes as what they stand for.


def text(raw: bytes | memoryview) -> str:
    try:
        return str(raw, "utf-8", "surrogatepass")      # pickle writes half a character so
    except UnicodeDecodeError:
        raise CheckpointError("its pickle stream holds text that is not UTF-8: get the file again") from None


def short_bytes_or_view(raw: memoryview) -> bytes | memoryview:
    return raw if len(raw) > SHORT else bytes(raw)


def old_text(raw: memoryview) -> str | bytes | memoryview:
    """A str of Python 2: text, or the bytes of a NumPy array."""
    try:
        return raw if len(raw) > SHORT else str(raw, "utf-8")
    except UnicodeDecodeError:
        return bytes(raw)


def integer(raw: memoryview) -> int:
    return int.from_bytes(raw, "little", signed=True)


def written_number(digits: bytes, kind: type) -> int | float:
    try:
        return kind(digits)
    except ValueError:
        raise damaged() from None


def quoted(line: bytes) -> str | bytes | memoryview:
    """A str as Python 2 printed it."""
    escaped = line[1:-1]
    if line[:1] not in (b"'", b'"') or line[-1:] != line[:1] or UNKNOWN_ESCAPE.search(escaped.replace(b"\\\\", b"")):
        raise damaged()
    return old_text(memoryview(escape_decode(escaped)[0]))


def escaped(line: bytes) -> str:
    """Latin-1, with all other characters and line breaks as escapes."""
    try:
        return line.decode("raw-unicode-escape")
    except UnicodeDecodeError:
        raise damaged() from None


# Opcodes that need more than a line in the table.


def push_written_integer(machine: Machine) -> None:
    """INT and LONG: False and True are written 00 and 01. An integer of a thousand digits is a placeholder."""
    digits = machine.line()
    if len(digits) > LONGEST_LINE:
        machine.push(machine.unknown("an integer of a thousand digits"))
    elif digits in (b"00", b"01"):
        machine.push(digits == b"01")
    else:
        machine.push(written_number(digits.removesuffix(b"L"), int))


def pop(machine: Machine) -> None:
    """POP: the uppermost object, or the mark that lies there."""
    if machine.marks and machine.marks[-1] == len(machine.stack):
        machine.marks.pop()
    else:
        machine.pop()


def remember(machine: Machine, number: int) -> None:
    """PUT: the uppermost object into the memo."""
    if not 0 <= number < LARGEST_MEMO:
        raise damaged()
    machine.memo[number] = machine.stack[-1]


def dict_of_items(machine: Machine) -> None:
    items = machine.pop_mark()
    machine.push({})
    machine.set_items(items)


def frozen_set(machine: Machine) -> None:
    machine.pop_mark()
    machine.push(machine.unknown("builtins.frozenset"))


def push_named(machine: Machine) -> None:
    """GLOBAL: a name in two lines."""
    module, name = text(machine.short_line()), text(machine.short_line())
    machine.push(machine.named(module, name))


def push_named_on_stack(machine: Machine) -> None:
    machine.push(machine.named(*machine.pop_last(2)))


def call(machine: Machine) -> None:
    """REDUCE and NEWOBJ."""
    machine.push(machine.call(*machine.pop_last(2)))


def call_with_names(machine: Machine) -> None:
    """NEWOBJ_EX: arguments by name are those of unknown classes."""
    function, arguments, _ = machine.pop_last(3)
    machine.push(machine.call(function, arguments))


def call_named(machine: Machine) -> None:
    """INST: the name of a class in two lines, its arguments on the stack."""
    push_named(machine)
    function = machine.pop()
    machine.push(machine.call(function, tuple(machine.pop_mark())))


def call_first(machine: Machine) -> None:
    """OBJ: a class and its arguments on the stack."""
    function, *arguments = machine.pop_mark() or [None]
    machine.push(machine.call(function, tuple(arguments)))


def push_persistent(machine: Machine) -> None:
    machine.account.spend(LOOK_UP)
    identity = machine.pop()
    machine.push(machine.persistent(identity if isinstance(identity, tuple) else ()))


def refuse_written_persistent(machine: Machine) -> None:
    raise CheckpointError("its pickle is of protocol 0, which does not say where the tensors lie: save it again with "
                          "the protocol that torch.save takes by itself")


# The table.


def pushing(read: Callable[[Machine], object]) -> Action:
    return lambda machine: machine.push(read(machine))


def constant(value: object) -> Action:
    return lambda machine: machine.push(value)


def number(form: str) -> Action:
    return lambda machine: machine.push(machine.number(form))


def sized(form: str, read: Callable[[memoryview], object]) -> Action:
    """An object of so many bytes as a number in struct's format says."""
    return lambda machine: machine.push(read(machine.view(machine.number(form))))


def putting(form: str) -> Action:
    return lambda machine: remember(machine, machine.number(form))


def getting(form: str) -> Action:
    return lambda machine: machine.push(machine.memo[machine.number(form)])


def skipping(size: int) -> Action:
    return lambda machine: machine.view(size)


def last(count: int) -> Action:
    return lambda machine: machine.push(tuple(machine.pop_last(count)))


OPCODES: dict[bytes, Action] = {
    pickle.PROTO: skipping(1), pickle.FRAME: skipping(8),                # a frame's length is a hint for buffering
    pickle.NONE: constant(None), pickle.NEWTRUE: constant(True), pickle.NEWFALSE: constant(False),
    pickle.BININT: number("<i"), pickle.BININT1: number("<B"), pickle.BININT2: number("<H"),
    pickle.BINFLOAT: number(">d"), pickle.LONG1: sized("<B", integer), pickle.LONG4: sized("<i", integer),
    pickle.INT: push_written_integer, pickle.LONG: push_written_integer,
    pickle.FLOAT: pushing(lambda machine: written_number(machine.short_line(), float)),
    pickle.SHORT_BINUNICODE: sized("<B", text), pickle.BINUNICODE: sized("<I", text),
    pickle.BINUNICODE8: sized("<Q", text), pickle.UNICODE: pushing(lambda machine: escaped(machine.line())),
    pickle.SHORT_BINSTRING: sized("<B", old_text), pickle.BINSTRING: sized("<i", old_text),
    pickle.STRING: pushing(lambda machine: quoted(machine.line())),
    pickle.SHORT_BINBYTES: sized("<B", bytes), pickle.BINBYTES: sized("<I", short_bytes_or_view),
    pickle.BINBYTES8: sized("<Q", short_bytes_or_view), pickle.BYTEARRAY8: sized("<Q", short_bytes_or_view),
    pickle.MARK: lambda machine: machine.marks.append(len(machine.stack)),
    pickle.POP: pop, pickle.POP_MARK: Machine.pop_mark, pickle.DUP: pushing(lambda machine: machine.stack[-1]),
    pickle.BINPUT: putting("<B"), pickle.LONG_BINPUT: putting("<I"),
    pickle.PUT: lambda machine: remember(machine, written_number(machine.short_line(), int)),
    pickle.MEMOIZE: lambda machine: remember(machine, len(machine.memo)),
    pickle.BINGET: getting("<B"), pickle.LONG_BINGET: getting("<I"),
    pickle.GET: pushing(lambda machine: machine.memo[written_number(machine.short_line(), int)]),
    pickle.EMPTY_TUPLE: constant(()), pickle.TUPLE1: last(1), pickle.TUPLE2: last(2), pickle.TUPLE3: last(3),
    pickle.TUPLE: pushing(lambda machine: tuple(machine.pop_mark())),
    pickle.EMPTY_LIST: pushing(lambda machine: []), pickle.LIST: pushing(Machine.pop_mark),
    pickle.APPENDS: lambda machine: machine.append_items(machine.pop_mark()),
    pickle.APPEND: lambda machine: machine.append_items(machine.pop_last(1)),
    pickle.EMPTY_DICT: pushing(lambda machine: {}), pickle.DICT: dict_of_items,
    pickle.SETITEMS: lambda machine: machine.set_items(machine.pop_mark()),
    pickle.SETITEM: lambda machine: machine.set_items(machine.pop_last(2)),
    pickle.EMPTY_SET: pushing(lambda machine: machine.unknown("builtins.set")),
    pickle.ADDITEMS: lambda machine: machine.append_items(machine.pop_mark()),
    pickle.FROZENSET: frozen_set,
    pickle.GLOBAL: push_named, pickle.STACK_GLOBAL: push_named_on_stack, pickle.REDUCE: call, pickle.NEWOBJ: call,
    pickle.NEWOBJ_EX: call_with_names, pickle.INST: call_named, pickle.OBJ: call_first, pickle.BUILD: Machine.set_state,
    pickle.BINPERSID: push_persistent, pickle.PERSID: refuse_written_persistent,
}
