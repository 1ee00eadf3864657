"""What a mistake is: the right function, the wrong one in its place, and what to tell whoever made it."""

from collections.abc import Callable
from dataclasses import dataclass

from swin_np.functional import Array
from swin_np.layers import Module

BLOCK = r"layers\.\d+\.blocks\.\d+"
ATTENTION_INPUT = BLOCK + r"\.attn(\.qkv)?"            # the tokens that the attention is given are others
ATTENTION = BLOCK + r"\.attn(\.proj)?"                 # the tokens are right, what the heads make of them is not
BLOCK_MIDDLE = BLOCK + r"(\.norm2)?"                   # the attention is right, what is added to what is not
NOWHERE = r"(?!)"                                      # matches no name: a mistake for exercises alone


@dataclass(frozen=True)
class Mistake:
    """A mistake that keeps every shape valid.

    name: in kebab case. replaces: the dotted place of the one function or method that is changed. wrong: what stands
    there instead, with the same signature. says: what was done wrong and how it shows. fix: what to do.
    place: where the paper has it. modules: a regular expression of the official names of the modules at whose output
    it can show first, in the order of a trace; "input" where the images themselves are wrong, NOWHERE outside a model.
    thread: where it happened in public, as owner/repository#number. needs: what must be so for it to show at all.
    """

    name: str
    replaces: str
    wrong: Callable
    says: str
    fix: str
    place: str
    modules: str
    thread: str = ""
    needs: str = ""


def mistake(replaces: str, **fields: str) -> Callable[[Callable], Mistake]:
    """Make the function below a Mistake of its name, written with hyphens. fields: the other ones of Mistake."""
    return lambda wrong: Mistake(wrong.__name__.replace("_", "-"), replaces, wrong, **fields)


def shown_as(module: Module, output: Array) -> Array:
    """`output` itself, shown to a trace as that of `module`, where a wrong function does without calling it."""
    return module.note("", output)
