"""What a pickle's names stand for: constructors of our own, and inert placeholders for all that is not known."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from swin_np.errors import CheckpointError

MAXIMUM_STEPS = 400_000                                # opcodes, and items handed to constructors; Swin-L: 12 thousand
ALWAYS_HANDED = 2**20                                  # bytes that constructors get however small the file
SHORT = 2**12                                          # bytes beyond which bytes are a view of the file
LONGEST_KEY = 1000                                     # characters; names of tensors have less than a hundred
SAVE_ALONE = "save the state dict alone, torch.save({'model': model.state_dict()}, ...)"


def damaged() -> CheckpointError:
    return CheckpointError("its pickle stream is damaged: get the file again")


@dataclass
class Account:
    """What reading a file has taken so far, and the names of what it left unread, over all pickles in the file."""

    file_size: int                                     # bytes
    steps: int = 0
    handed: int = 0                                    # bytes
    unread: set[str] = field(default_factory=set)

    def spend(self, steps: int) -> None:
        """Count work against the limit, which bounds time, and the memory of all but texts and bytes."""
        self.steps += steps
        if self.steps > MAXIMUM_STEPS:
            raise CheckpointError(f"its pickle stream takes more than {MAXIMUM_STEPS} steps: {SAVE_ALONE}")

    def hand(self, values: tuple) -> None:
        """Count what a constructor of ours gets and may copy; bytes are handed over at most twice, first as text."""
        self.spend(sum(len(value) for value in values if isinstance(value, list | tuple | dict)))
        self.handed += sum(len(value) for value in values if isinstance(value, str | bytes | memoryview))
        if self.handed > 2 * self.file_size + ALWAYS_HANDED:
            raise CheckpointError(f"its pickle stream uses the same texts or bytes again and again: {SAVE_ALONE}")


@dataclass(frozen=True)
class Constructor:
    """A name that a stream may call: `build` gets the tuple of arguments and checks it."""

    build: Callable[[tuple], object]


class Stateful(ABC):
    """An object to which a stream may hand a state after it was made (the opcode BUILD)."""

    @abstractmethod
    def set_state(self, state: object) -> None:
        """Take what is needed of the state, checked."""


class Placeholder(dict):
    """Stands for a class or function that is not read, and for what it would have made: it runs nothing.

    It has the full name, and the entries that the stream set into it as into a dict, since a state dict may lie in a
    dict of an unknown class; attributes and items of other kinds are dropped.
    """

    __slots__ = ("name",)

    def __init__(self, name: str, entries: Mapping | tuple[()] = ()):
        super().__init__(entries)
        self.name = name

    def called(self, arguments: tuple, account: Account) -> "Placeholder":
        """What stands for the result of a call; of a dict that it was made of, the entries are kept."""
        match arguments:
            case (dict(entries),):
                account.spend(len(entries))
                return Placeholder(self.name, entries)
        return Placeholder(self.name)


def label(key: object) -> str | int | None:
    """A dict's key as it is kept; None for one whose entry is dropped.

    Short text and integers of 64 bits stay; bytes of text, floats and None become text. Nothing else is hashed: tuples
    would be hashed recursively, and many long integers can share one hash.
    """
    match key:
        case str() if len(key) <= LONGEST_KEY:
            return key
        case int() if -2**63 <= key < 2**63:
            return key
        case float() | None:
            return str(key)
        case bytes() if len(key) <= LONGEST_KEY:
            try:
                return key.decode()
            except UnicodeDecodeError:
                return None
    return None
