"""A pickle reader that runs nothing: a table of opcodes, a closed list of names, and limits on what a stream can make.

Python's own unpickler imports and calls whatever a stream names. This one knows no imports: a name is looked up in a
table of constructors of our own, and one that is not there becomes an inert `Placeholder`. It does not recurse, so that
nesting costs no stack. Whatever the stream, it takes about half a second and some 100 MB, and beside that a few times
the file for its texts; long bytes, in which arrays lie, are views of the file and not counted.
"""

import pickle

from swin_np.checkpoints.formats.machine import Machine
from swin_np.checkpoints.formats.numpy_arrays import NUMPY_NAMES
from swin_np.checkpoints.formats.opcodes import OPCODES
from swin_np.checkpoints.formats.placeholders import SAVE_ALONE, Constructor, Placeholder, damaged, label
from swin_np.errors import CheckpointError


class PickleReader(Machine):
    """One pickle after the other from `stream`, from `position` on; arguments as of Machine."""

    def load(self) -> object:
        """The next pickle's object."""
        self.clear()
        try:
            while (opcode := self.take(1)) != pickle.STOP:
                self.account.spend(1)
                if opcode not in OPCODES:
                    raise CheckpointError(f"its pickle stream uses the opcode {opcode!r}, for what lies outside the "
                                          f"file, or is damaged: {SAVE_ALONE}")
                OPCODES[opcode](self)
            return self.finished(self.pop())
        except (IndexError, KeyError):                 # an empty stack, no mark, nothing under this number in the memo
            raise damaged() from None


def latin1_bytes(arguments: tuple) -> bytes:
    """How bytes are written up to protocol 2: text, to be encoded."""
    match arguments:
        case (str(text), "latin1"):
            try:
                return text.encode("latin-1")
            except UnicodeEncodeError:
                raise damaged() from None
    raise damaged()


def no_bytes(arguments: tuple) -> bytes | Placeholder:
    """How protocols up to 2 write bytes of length 0: bytes()."""
    return Placeholder("builtins.bytes") if arguments else b""


def ordered_dict(arguments: tuple) -> dict:
    """OrderedDict(), or OrderedDict(list of pairs) as Python 2 wrote it; a dict keeps its order too."""
    match arguments:
        case ():
            return {}
        case (list(pairs),) if all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs):
            labelled = [(label(key), value) for key, value in pairs]
            return {key: value for key, value in labelled if key is not None}
    raise damaged()


def reconstructed(arguments: tuple) -> Placeholder:
    """An object of an unknown class as protocols 0 and 1 make it: of its class, a base class, and the base's value."""
    match arguments:
        case (Placeholder(name=str(name)), _, value):
            return Placeholder(name, value if isinstance(value, dict) else ())
    return Placeholder("copyreg._reconstructor")


PLAIN_NAMES = {
    "collections.OrderedDict": Constructor(ordered_dict),
    "_codecs.encode": Constructor(latin1_bytes),
    "builtins.bytes": Constructor(no_bytes), "__builtin__.bytes": Constructor(no_bytes),
    "copyreg._reconstructor": Constructor(reconstructed), "copy_reg._reconstructor": Constructor(reconstructed),
    **NUMPY_NAMES,
}
