"""Every small change of a solution, one at a time: operators, constants, axes, indices, names, arguments, calls, steps.

The solutions are those of the source notebooks, in the form in which a student writes them. With a solution its
helpers are changed too: the functions of its notebook that it calls, directly or through others.
"""

import ast
import contextlib
import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from types import CodeType

from notebooks.exercises.generate import sources
from swin_np.exercises.submission import asked_for, code_cells, defined_by

OPERATORS = {ast.Add: (ast.Sub, ast.Mult), ast.Sub: (ast.Add, ast.Mult), ast.Mult: (ast.Add, ast.Div, ast.FloorDiv),
             ast.Div: (ast.Mult, ast.FloorDiv), ast.FloorDiv: (ast.Mult, ast.Div, ast.Mod), ast.Mod: (ast.FloorDiv,),
             ast.Pow: (ast.Mult, ast.Add), ast.MatMult: (ast.Mult,)}
COMMUTATIVE = (ast.Add, ast.Mult)
COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
SIBLINGS = {"max": "min", "min": "max", "sum": "mean", "mean": "sum", "maximum": "minimum", "floor": "ceil",
            "repeat": "tile", "tile": "repeat", "transpose": "reshape", "zeros_like": "ones_like", "zeros": "ones"}
"""Functions and methods that are easily taken for one another."""

Slot = tuple[dict | list, str | int]                   # where a node hangs: in a field, or in a list


@dataclass(frozen=True)
class Mutant:
    """A change of one function: the statement before and after it, and the function's text with it."""

    function: str
    before: str
    after: str
    text: str


def mutants(function: ast.FunctionDef) -> Iterator[Mutant]:
    """All changes of this function; those that give the same text are one."""
    texts = {ast.unparse(function)}
    names = sorted({node.id for node in ast.walk(function)
                    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
                   | {argument.arg for node in ast.walk(function) if isinstance(node, ast.arguments)
                      for argument in node.args})
    strings = sorted({node.value for node in ast.walk(function)
                      if isinstance(node, ast.Constant) and isinstance(node.value, str)})
    for statement, (holder, key), node in places(function):
        before = first_line(statement)
        for other in [*changes(node, names, strings)]:
            holder[key] = other
            text = ast.unparse(ast.fix_missing_locations(function))
            after = first_line(other if node is statement else statement)
            holder[key] = node
            if text not in texts:
                texts.add(text)
                yield Mutant(function.name, before, after, text)


def first_line(statement: ast.AST) -> str:
    return ast.unparse(statement).splitlines()[0]


def places(function: ast.FunctionDef) -> Iterator[tuple[ast.stmt, Slot, ast.AST]]:
    """Every node of the body with its statement and the place where it hangs; parameters and the docstring are left."""
    def below(node: ast.AST, statement: ast.stmt) -> Iterator[tuple[ast.stmt, Slot, ast.AST]]:
        for field, value in ast.iter_fields(node):
            if isinstance(node, ast.FunctionDef) and field != "body":
                continue
            slots = [(value, i) for i in range(len(value))] if isinstance(value, list) else [(vars(node), field)]
            for holder, key in slots:
                child = holder[key]
                if isinstance(child, ast.AST) and not is_docstring(child):
                    own = child if isinstance(child, ast.stmt) else statement
                    yield own, (holder, key), child
                    yield from below(child, own)

    return below(function, function)


def is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def changes(node: ast.AST, names: list[str], strings: list[str]) -> Iterator[ast.AST]:
    """What can stand in the place of this node. names, strings: those of the function."""
    if isinstance(node, ast.BinOp):
        yield from (ast.BinOp(node.left, other(), node.right) for other in OPERATORS[type(node.op)])
        yield from (node.left, node.right)
        if not isinstance(node.op, COMMUTATIVE):
            yield ast.BinOp(node.right, node.op, node.left)
    elif isinstance(node, ast.AugAssign):
        yield from (ast.AugAssign(node.target, other(), node.value) for other in OPERATORS[type(node.op)])
        yield ast.Assign([node.target], node.value)
        yield ast.Pass()
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.Compare):
        yield from (ast.Compare(node.left, [other()], node.comparators) for other in COMPARISONS)
    elif isinstance(node, ast.Constant):
        yield from (ast.Constant(value) for value in other_constants(node.value, strings))
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names:
        yield from (ast.Name(name, node.ctx) for name in names if name != node.id)
        yield from (ast.Constant(number) for number in (0, 1))
    elif isinstance(node, ast.Attribute) and node.attr in SIBLINGS:
        yield ast.Attribute(node.value, SIBLINGS[node.attr], node.ctx)
    elif isinstance(node, ast.Tuple | ast.List):
        yield from (type(node)(elements, node.ctx) for elements in exchanged(node.elts))
    elif isinstance(node, ast.Slice):
        parts = {"lower": node.lower, "upper": node.upper, "step": node.step}
        yield from (ast.Slice(**{**parts, left_out: None}) for left_out in parts)
    elif isinstance(node, ast.Call):
        yield from other_calls(node)
    elif isinstance(node, ast.If | ast.IfExp):
        yield from (type(node)(ast.Constant(value), node.body, node.orelse) for value in (True, False))
    elif isinstance(node, ast.Assign | ast.Expr):
        yield ast.Pass()


def other_constants(value: object, strings: list[str]) -> Iterator[object]:
    """Numbers that are one more or less, twice or half as large, or of the opposite sign; the other strings."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (other for other in (value + 1, value - 1, 2 * value, -value) if other != value)
    elif isinstance(value, float):
        yield from (other for other in (value + 1, value - 1, 2 * value, value / 2, -value) if other != value)
    elif isinstance(value, str):
        yield from (other for other in strings if other != value)


def other_calls(node: ast.Call) -> Iterator[ast.expr]:
    """The call with two arguments exchanged, without one, or not made at all; built-in names by their siblings."""
    yield from (ast.Call(node.func, arguments, node.keywords) for arguments in exchanged(node.args))
    for i in range(len(node.args)):
        yield ast.Call(node.func, node.args[:i] + node.args[i + 1:], node.keywords)
    for i in range(len(node.keywords)):
        yield ast.Call(node.func, node.args, node.keywords[:i] + node.keywords[i + 1:])
    yield from node.args[:1]
    if isinstance(node.func, ast.Attribute):
        yield node.func.value
    elif isinstance(node.func, ast.Name) and node.func.id in SIBLINGS:
        yield ast.Call(ast.Name(SIBLINGS[node.func.id], node.func.ctx), node.args, node.keywords)


def exchanged(items: list) -> Iterator[list]:
    """The items with two of them, next to each other, exchanged."""
    for i in range(len(items) - 1):
        yield [*items[:i], items[i + 1], items[i], *items[i + 2:]]


@dataclass(frozen=True)
class Composite:
    """A solution and its helpers.

    given: what its notebook imports. texts, sources: of all functions of the notebook, as trees and as they are
    written. reached: the exercise and what it calls.
    """

    name: str
    given: dict[str, object]
    texts: dict[str, ast.FunctionDef]
    sources: dict[str, str]
    reached: tuple[str, ...]

    def with_text(self, *texts: str, **more: object) -> Callable:
        """The exercise's function where the notebook has these texts of some of its functions. more: names they use."""
        namespace = {**self.given, **more}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")            # of the compiler: a mutant may call a number
            for code in (*compiled(self.name), *(compile(text, "<mutant>", "exec") for text in texts)):
                exec(code, namespace)
        return namespace[self.name]

    def changed(self, changes: dict[str, str]) -> Callable:
        """The exercise's function where the notebook's text is changed in these places, each of which is there once."""
        text = "\n".join(self.sources[function] for function in self.reached)
        for before, after in changes.items():
            assert text.count(before) == 1, (self.name, before)
            text = text.replace(before, after)
        return self.with_text(text)

    def mutants(self) -> Iterator[Mutant]:
        """All changes of the solution, then all of its helpers."""
        for function in self.reached:
            yield from mutants(self.texts[function])


@cache
def composite(name: str) -> Composite:
    """The solution of an exercise with its helpers."""
    path = next(path for path in sources() if name in asked_for(path))
    text = "\n".join(text for text, notes in code_cells(path) if not notes.get("grade"))
    texts = {node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
    with contextlib.redirect_stdout(io.StringIO()):    # the last cell prints a table
        namespace, _ = defined_by(path)
    reached = [name]
    for function in reached:                           # grows while it is walked
        called = (node.id for node in ast.walk(texts[function]) if isinstance(node, ast.Name))
        reached += [other for other in dict.fromkeys(called) if other in texts and other not in reached]
    given = {key: value for key, value in namespace.items() if key not in texts}
    written = {function: ast.get_source_segment(text, node) for function, node in texts.items()}
    return Composite(name, given, texts, written, tuple(reached))


@cache
def compiled(name: str) -> tuple[CodeType, ...]:
    """The functions that the exercise reaches, ready to be defined."""
    own = composite(name)
    return tuple(compile(ast.unparse(own.texts[function]), "<solution>", "exec") for function in own.reached)
