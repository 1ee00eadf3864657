"""Which way a solution and its helpers go at each of their conditions."""

import ast
import copy
from collections.abc import Callable

from tests.exercises.mutations import Composite

Taken = set[tuple[str, int, bool]]                     # function, number of the condition in it, and how it came out


class Watched(ast.NodeTransformer):
    """Lets every condition of a function be written down by `watch(function, number, value)`."""

    def __init__(self, function: str):
        self.function = function
        self.conditions = 0

    def watched(self, condition: ast.expr) -> ast.expr:
        number = ast.Constant(self.conditions)
        self.conditions += 1
        return ast.Call(ast.Name("watch", ast.Load()), [ast.Constant(self.function), number, condition], [])

    def visit_If(self, node):
        self.generic_visit(node)
        node.test = self.watched(node.test)
        return node

    visit_IfExp = visit_While = visit_If               # noqa: N815

    def visit_BoolOp(self, node):
        self.generic_visit(node)
        node.values = [self.watched(value) for value in node.values]
        return node

    def visit_comprehension(self, node):
        self.generic_visit(node)
        node.ifs = [self.watched(condition) for condition in node.ifs]
        return node


def watched(solution: Composite) -> tuple[Callable, Taken, Taken]:
    """The solution as a function, the ways that it has taken so far, and all that there are."""
    taken: Taken = set()
    ways: Taken = set()

    def watch(function: str, number: int, value: object) -> object:
        taken.add((function, number, bool(value)))
        return value

    texts = []
    for name in solution.reached:
        transformer = Watched(name)
        texts.append(ast.unparse(ast.fix_missing_locations(transformer.visit(copy.deepcopy(solution.texts[name])))))
        ways |= {(name, number, way) for number in range(transformer.conditions) for way in (False, True)}
    return solution.with_text(*texts, watch=watch), taken, ways
