"""Random edits of a solution, of the kind that a slip of the hand makes: operators, axes, constants, orders, names."""

import ast
import copy
from collections.abc import Callable, Iterator

import numpy as np

OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.MatMult, ast.Pow)
COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)


def replacements(node: ast.AST, names: list[str]) -> list[Callable[[ast.AST], None]]:
    """Changes that can be made to this node; each is applied to a copy of it."""
    changes: list[Callable[[ast.AST], None]] = []

    def setting(field: str, value: object) -> Callable[[ast.AST], None]:
        return lambda node: setattr(node, field, value)

    if isinstance(node, ast.BinOp | ast.AugAssign):
        changes += [setting("op", operator()) for operator in OPERATORS if not isinstance(node.op, operator)]
    if isinstance(node, ast.BinOp):
        changes.append(exchange_operands)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        changes.append(setting("op", ast.UAdd()))
    if isinstance(node, ast.Compare):
        changes += [setting("ops", [comparison()]) for comparison in COMPARISONS
                    if not isinstance(node.ops[0], comparison)]
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        changes.append(setting("value", not node.value))
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        changes += [setting("value", value) for value in (node.value + 1, node.value - 1, -node.value, 2 * node.value)
                    if value != node.value]
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names:
        changes += [setting("id", name) for name in names if name != node.id]
    if isinstance(node, ast.Call | ast.Tuple | ast.List):
        count = len(node.args if isinstance(node, ast.Call) else node.elts)
        changes += [lambda node, i=i: exchange(node.args if isinstance(node, ast.Call) else node.elts, i)
                    for i in range(count - 1)]
    return changes


def exchange_operands(node: ast.BinOp) -> None:
    """Let the two sides of an operator change places."""
    node.left, node.right = node.right, node.left


def exchange(items: list, i: int) -> None:
    """Let an item and the next change places."""
    items[i], items[i + 1] = items[i + 1], items[i]


def edited(text: str, name: str, rng: np.random.Generator) -> Iterator[str]:
    """Texts of the solution cell with one random edit each inside the function `name`, as many as there are."""
    tree = ast.parse(text)
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
    places = list(ast.walk(ast.Module(function.body, [])))[1:]
    names = sorted({node.id for node in places if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
                   | {argument.arg for argument in function.args.args})
    possible = [(number, change) for number, node in enumerate(places)
                for change in range(len(replacements(node, names)))]
    for choice in rng.permutation(len(possible)):
        number, change = possible[choice]
        twin = copy.deepcopy(tree)
        body = next(node for node in twin.body if isinstance(node, ast.FunctionDef) and node.name == name).body
        node = list(ast.walk(ast.Module(body, [])))[1:][number]
        replacements(node, names)[change](node)
        yield ast.unparse(ast.fix_missing_locations(twin))
