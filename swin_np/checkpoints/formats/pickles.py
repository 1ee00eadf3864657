"""A pickle reader that runs nothing: a closed list of names, a table of opcodes, and limits on what a stream can make.

Python's own unpickler imports and calls whatever a stream names. This one knows no imports: a name is looked up in a
table of constructors of our own, and a name that is not there ends the reading. It does not recurse, so that nesting
costs no stack. Opcodes: those of protocol 2, which `torch.save` writes, and the usual ones of protocols 3 to 5.
The limits below keep a stream to about half a second and what it makes to some 100 MB, whatever the stream; tensors are
not counted in it, as they are views of the file.
"""

import pickle
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from swin_np.errors import CheckpointError

MAXIMUM_SIZE = 2**22                                   # bytes of a stream; that of Swin-L takes 50 thousand
MAXIMUM_STEPS = 400_000                                # opcodes, and items handed to constructors; Swin-L: 12 thousand
LOOK_UP = 4                                            # steps that a global name or a storage takes, beside its opcode
LONGEST_NAME = 200                                     # characters of a name that an error message repeats

CONSTANTS = {pickle.NONE: None, pickle.NEWTRUE: True, pickle.NEWFALSE: False}
NUMBERS = {pickle.BININT: "<i", pickle.BININT1: "<B", pickle.BININT2: "<H", pickle.BINFLOAT: ">d"}
TEXTS = {pickle.SHORT_BINUNICODE: "<B", pickle.BINUNICODE: "<I", pickle.BINUNICODE8: "<Q",
         pickle.SHORT_BINSTRING: "<B", pickle.BINSTRING: "<I"}            # the last two: str in Python 2
BYTES = {pickle.SHORT_BINBYTES: "<B", pickle.BINBYTES: "<I", pickle.BINBYTES8: "<Q"}
PUTS = {pickle.BINPUT: "<B", pickle.LONG_BINPUT: "<I"}
GETS = {pickle.BINGET: "<B", pickle.LONG_BINGET: "<I"}
CONTAINERS = {pickle.EMPTY_DICT: dict, pickle.EMPTY_LIST: list}
SKIPPED = {pickle.PROTO: 1, pickle.FRAME: 8}           # bytes; a frame's length is a hint for buffered reading
TUPLES = {pickle.EMPTY_TUPLE: 0, pickle.TUPLE1: 1, pickle.TUPLE2: 2, pickle.TUPLE3: 3}


@dataclass(frozen=True)
class Constructor:
    """A name that a stream may call: `build` gets the tuple of arguments and checks it."""

    build: Callable[[tuple], object]


class Stateful(ABC):
    """An object to which a stream may hand a state after it was made (the opcode BUILD)."""

    @abstractmethod
    def set_state(self, state: object) -> None:
        """Take what is needed of the state, checked."""


def damaged() -> CheckpointError:
    return CheckpointError("its pickle stream is damaged or no checkpoint's: get the file again")


def checked_key(key: object) -> str | int:
    """A key of a dict: text, or an integer of 64 bits; nothing whose hash could take long to find or be made to clash.

    Tuples would be hashed recursively, and many long integers can share one hash.
    """
    if isinstance(key, str) or (isinstance(key, int) and -2**63 <= key < 2**63):
        return key
    raise CheckpointError("its pickle stream has a dict with keys that are neither text nor integers: "
                          "save the state dict alone, torch.save({'model': model.state_dict()}, ...)")


def set_items(target: object, items: list) -> None:
    """SETITEMS: put keys and values, in turn, into a dict."""
    if not isinstance(target, dict) or len(items) % 2:
        raise damaged()
    for key, value in zip(items[::2], items[1::2], strict=True):
        target[checked_key(key)] = value


def append_items(target: object, items: list) -> None:
    """APPENDS: lengthen a list."""
    if not isinstance(target, list):
        raise damaged()
    target.extend(items)


def set_state(target: object, state: object) -> None:
    """BUILD: a state for what takes one; attributes of a dict (`_metadata` of a state dict) are dropped."""
    if isinstance(target, Stateful):
        target.set_state(state)
    elif not isinstance(target, dict) or not isinstance(state, dict):
        raise damaged()


PUT_INTO = {pickle.SETITEMS: (set_items, 0), pickle.SETITEM: (set_items, 2), pickle.APPENDS: (append_items, 0),
            pickle.APPEND: (append_items, 1)}
"""(what puts items into a container below them, how many they are; 0: all from the mark on)."""


class PickleReader:
    """One pickle after the other from `stream`, from `position` on.

    names: what each global name stands for; a Constructor may be called.
    persistent: makes an object from the tuple of a persistent id (a storage).
    """

    def __init__(self, stream: memoryview, position: int, names: Mapping[str, object],
                 persistent: Callable[[tuple], object]):
        self.stream, self.position = stream, position
        self.names, self.persistent = names, persistent
        self.end = min(len(stream), position + MAXIMUM_SIZE)
        self.steps = 0

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        if size > self.end - self.position:
            raise CheckpointError(f"its pickle stream is cut off, or longer than {MAXIMUM_SIZE} bytes: "
                                  "get the file again, or save the state dict alone")
        self.position += size
        return bytes(self.stream[self.position - size:self.position])

    def number(self, form: str) -> int:
        """The next number, in one of struct's formats."""
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def text(self, size: int) -> str:
        """The next `size` bytes as text."""
        try:
            return self.take(size).decode()
        except UnicodeDecodeError:
            raise CheckpointError("its pickle stream holds text that is not UTF-8: save the state dict alone, "
                                  "torch.save({'model': model.state_dict()}, ...)") from None

    def line(self) -> str:
        """The text up to the next line break."""
        size = bytes(self.stream[self.position:min(self.end, self.position + LONGEST_NAME)]).find(b"\n")
        if size < 0:
            raise damaged()
        return self.text(size + 1)[:-1]

    def spend(self, steps: int) -> None:
        """Count work against the limit, which bounds both time and memory."""
        self.steps += steps
        if self.steps > MAXIMUM_STEPS:
            raise CheckpointError(f"its pickle stream takes more than {MAXIMUM_STEPS} steps: "
                                  "save the state dict alone, torch.save({'model': model.state_dict()}, ...)")

    def named(self, module: object, name: object) -> object:
        """What a global name stands for; CheckpointError with the name if it is not on the closed list."""
        full_name = f"{module}.{name}"[:LONGEST_NAME] if isinstance(module, str) and isinstance(name, str) else None
        if full_name not in self.names:
            raise CheckpointError(
                f"it asks for {full_name!r}, and only tensors and plain containers are read, because a pickle can "
                "run code: have the state dict saved alone, torch.save({'model': model.state_dict()}, ...)")
        return self.names[full_name]

    def call(self, constructor: object, arguments: object) -> object:
        """REDUCE and NEWOBJ: what the constructor makes of its arguments."""
        if not isinstance(constructor, Constructor) or not isinstance(arguments, tuple):
            raise damaged()
        self.spend(sum(len(each) for each in arguments if isinstance(each, str | bytes | list | tuple | dict)))
        return constructor.build(arguments)

    def load(self) -> object:
        """The next pickle's object."""
        stack: list = []
        marks: list[int] = []                          # stack heights
        memo: dict[int, object] = {}

        def pop_mark() -> list:
            height = marks.pop()
            items = stack[height:]
            del stack[height:]
            return items

        try:
            while (opcode := self.take(1)) != pickle.STOP:
                self.spend(1)
                if opcode in PUTS:
                    memo[self.number(PUTS[opcode])] = stack[-1]
                elif opcode in GETS:
                    stack.append(memo[self.number(GETS[opcode])])
                elif opcode in NUMBERS:
                    stack.append(self.number(NUMBERS[opcode]))
                elif opcode in TEXTS:
                    stack.append(self.text(self.number(TEXTS[opcode])))
                elif opcode in BYTES:
                    stack.append(self.take(self.number(BYTES[opcode])))
                elif opcode in TUPLES:
                    height = len(stack) - TUPLES[opcode]
                    if height < 0:
                        raise damaged()
                    stack[height:] = [tuple(stack[height:])]
                elif opcode in CONSTANTS:
                    stack.append(CONSTANTS[opcode])
                elif opcode == pickle.MARK:
                    marks.append(len(stack))
                elif opcode == pickle.TUPLE:
                    stack.append(tuple(pop_mark()))
                elif opcode in CONTAINERS:
                    stack.append(CONTAINERS[opcode]())
                elif opcode in PUT_INTO:
                    put_into, count = PUT_INTO[opcode]
                    if count:
                        marks.append(len(stack) - count)
                    items = pop_mark()
                    put_into(stack[-1], items)
                elif opcode == pickle.GLOBAL:
                    self.spend(LOOK_UP)
                    module = self.line()
                    stack.append(self.named(module, self.line()))
                elif opcode == pickle.STACK_GLOBAL:
                    name, module = stack.pop(), stack.pop()
                    stack.append(self.named(module, name))
                elif opcode in (pickle.REDUCE, pickle.NEWOBJ):
                    arguments, constructor = stack.pop(), stack.pop()
                    stack.append(self.call(constructor, arguments))
                elif opcode == pickle.BINPERSID:
                    self.spend(LOOK_UP)
                    identity = stack.pop()
                    stack.append(self.persistent(identity if isinstance(identity, tuple) else ()))
                elif opcode == pickle.BUILD:
                    state = stack.pop()
                    set_state(stack[-1], state)
                elif opcode == pickle.LONG1:
                    stack.append(int.from_bytes(self.take(self.number("<B")), "little", signed=True))
                elif opcode == pickle.MEMOIZE:
                    memo[len(memo)] = stack[-1]
                elif opcode in SKIPPED:
                    self.take(SKIPPED[opcode])
                else:
                    raise CheckpointError(f"its pickle stream uses the opcode {opcode!r}, which no state dict needs: "
                                          "save the state dict alone, torch.save({'model': model.state_dict()}, ...)")
            return stack.pop()
        except (IndexError, KeyError):                 # an empty stack, no mark, nothing under this number in the memo
            raise damaged() from None


@dataclass
class NumpyDtype(Stateful):
    """A NumPy dtype on its way: its code, and the byte order that comes as its state."""

    code: str
    order: str = "<"

    def set_state(self, state: object) -> None:
        match state:
            case (int(), "<" | ">" | "|" as order, *_):
                self.order = order
            case _:
                raise damaged()


def numpy_dtype(arguments: tuple) -> NumpyDtype:
    match arguments:
        case ("f2" | "f4" | "f8" | "i1" | "i2" | "i4" | "i8" | "u1" | "u2" | "u4" | "u8" | "b1" as code, *_):
            return NumpyDtype(code)
    raise damaged()


def numpy_scalar(arguments: tuple) -> float | int | bool:
    """A number of NumPy's as Python's."""
    match arguments:
        case (NumpyDtype(code, order), bytes(raw)) if len(raw) == int(code[1]):
            return np.frombuffer(raw, order + code)[0].item()
    raise damaged()


def latin1_bytes(arguments: tuple) -> bytes:
    """How bytes are written in protocol 2: text, to be encoded."""
    match arguments:
        case (str(text), "latin1"):
            try:
                return text.encode("latin-1")
            except UnicodeEncodeError:
                raise damaged() from None
    raise damaged()


def ordered_dict(arguments: tuple) -> dict:
    """OrderedDict(), or OrderedDict(list of pairs) as Python 2 wrote it; a dict keeps its order too."""
    match arguments:
        case ():
            return {}
        case (list(pairs),) if all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs):
            return {checked_key(key): value for key, value in pairs}
    raise damaged()


PLAIN_NAMES = {
    "collections.OrderedDict": Constructor(ordered_dict),
    "_codecs.encode": Constructor(latin1_bytes),
    "numpy.dtype": Constructor(numpy_dtype),
    "numpy.core.multiarray.scalar": Constructor(numpy_scalar),
    "numpy._core.multiarray.scalar": Constructor(numpy_scalar),
}
