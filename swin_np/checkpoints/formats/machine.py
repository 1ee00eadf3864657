"""The machine on which a pickle runs: a stack, a memo, and what the opcodes do with them; see `pickles`."""

import struct
from collections.abc import Callable, Mapping

from swin_np.checkpoints.formats.numpy_arrays import StoredArray
from swin_np.checkpoints.formats.placeholders import Account, Constructor, Placeholder, Stateful, damaged, label
from swin_np.errors import CheckpointError

LOOK_UP = 4                                            # steps that a global name or a storage takes, beside its opcode
LONGEST_NAME = 200                                     # characters of a name that is kept
LONGEST_LINE = 1000                                    # bytes of a name, or of the digits of a number
CHUNK = 2**12                                          # bytes in which the end of a line is looked for


class Machine:
    """Reads from `stream`, from `position` on.

    names: what each global name stands for; a Constructor may be called.
    persistent: makes an object from the tuple of a persistent id (a storage).
    """

    def __init__(self, stream: memoryview, position: int, names: Mapping[str, object],
                 persistent: Callable[[tuple], object], account: Account):
        self.stream, self.position = stream, position
        self.names, self.persistent, self.account = names, persistent, account
        self.clear()

    def clear(self) -> None:
        """Begin a new pickle."""
        self.stack: list = []
        self.marks: list[int] = []                     # stack heights
        self.memo: dict[int, object] = {}

    def view(self, size: int) -> memoryview:
        """The next `size` bytes, where they are."""
        if not 0 <= size <= len(self.stream) - self.position:
            raise CheckpointError("its pickle stream is cut off: get the file again")
        self.position += size
        return self.stream[self.position - size:self.position]

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        return bytes(self.view(size))

    def number(self, form: str) -> int:
        """The next number, in one of struct's formats."""
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def line(self) -> bytes:
        """The bytes up to the next line break."""
        end = self.position
        while (found := bytes(self.stream[end:end + CHUNK]).find(b"\n")) < 0:
            end += CHUNK
            if end >= len(self.stream):
                raise damaged()
        line = self.take(end + found - self.position)
        self.position += 1
        return line

    def short_line(self) -> bytes:
        """The next line, which holds a name or a number."""
        line = self.line()
        if len(line) > LONGEST_LINE:
            raise damaged()
        return line

    def push(self, value: object) -> None:
        self.stack.append(value)

    def pop(self) -> object:
        return self.stack.pop()

    def pop_mark(self) -> list:
        """All above the last mark."""
        height = self.marks.pop()
        items = self.stack[height:]
        del self.stack[height:]
        return items

    def pop_last(self, count: int) -> list:
        """The uppermost `count` objects."""
        height = len(self.stack) - count
        if height < 0:
            raise damaged()
        items = self.stack[height:]
        del self.stack[height:]
        return items

    def unknown(self, name: str) -> Placeholder:
        """A placeholder, of which is noted that it was not read."""
        self.account.unread.add(name)
        return Placeholder(name)

    def finished(self, value: object) -> object:
        """A value as it is kept: a NumPy array of something else than numbers, as its state showed, is not read."""
        if isinstance(value, StoredArray) and not value.is_numeric:
            return self.unknown("a NumPy array of other things than numbers")
        return value

    def named(self, module: object, name: object) -> object:
        """What a global name stands for."""
        if not isinstance(module, str) or not isinstance(name, str):
            raise damaged()
        self.account.spend(LOOK_UP)
        full_name = f"{module[:LONGEST_NAME]}.{name[:LONGEST_NAME]}"
        return self.names[full_name] if full_name in self.names else self.unknown(full_name)

    def call(self, function: object, arguments: object) -> object:
        """What the constructor makes of its arguments."""
        if not isinstance(arguments, tuple):
            raise damaged()
        if isinstance(function, Placeholder):
            return function.called(arguments, self.account)
        if not isinstance(function, Constructor):
            raise damaged()
        self.account.hand(arguments)
        result = function.build(arguments)
        if isinstance(result, Placeholder):
            self.account.unread.add(result.name)
        return result

    def set_items(self, items: list) -> None:
        """Put keys and values, in turn, into a dict."""
        target = self.stack[-1]
        if not isinstance(target, dict) or len(items) % 2:
            raise damaged()
        for key, value in zip(items[::2], items[1::2], strict=True):
            if (kept := label(key)) is None:
                kind = key.name if isinstance(key, Placeholder) else type(key).__name__
                self.account.unread.add(f"an entry under a key of type {kind}")
            else:
                target[kept] = self.finished(value)

    def append_items(self, items: list) -> None:
        """Lengthen a list; of an unknown class the items are dropped."""
        target = self.stack[-1]
        if isinstance(target, list):
            target.extend(map(self.finished, items))
        elif not isinstance(target, Placeholder):
            raise damaged()

    def set_state(self) -> None:
        """A state for what takes one; attributes of a dict (`_metadata` of a state dict) are dropped."""
        state = self.stack.pop()
        target = self.stack[-1]
        if isinstance(target, Stateful):
            self.account.hand(state if isinstance(state, tuple) else ())
            target.set_state(state)
        elif not isinstance(target, Placeholder) and not (isinstance(target, dict) and isinstance(state, dict)):
            raise damaged()
