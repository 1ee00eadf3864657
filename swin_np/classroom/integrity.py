"""What a teacher may want to look at: code that reaches for the answers, and code that several have. No verdict."""

import ast
import copy
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from swin_np.exercises.submission import Cell, is_stub, parsed
from swin_np.language import phrase

TOOLS = ("check", "progress")                          # of swin_np.exercises, which every notebook imports
OTHER_LIBRARIES = ("torch", "torchvision", "timm", "transformers", "tensorflow", "jax", "flax", "scipy", "einops")
OF_THE_CHECK = ("check", "examine", "call", "steps", "difference", "equal", "remember", "reference", "result_of")
INSIDE = ("reference", "EXERCISES", "get_objects", "currentframe", "_getframe", "f_back", "f_globals", "f_locals")
"""Names by which code reaches into the check or into what runs it."""

SAME, SAME_BUT_NAMES, NEARLY = "the same", "the same but for names", "nearly the same"
LEAST = {SAME: 45, SAME_BUT_NAMES: 70, NEARLY: 90}     # tokens: shorter answers are alike by nature
NUMBERED = re.compile(r" name \d+")
GRAM, ALIKE = 5, 0.7                                   # tokens in a row, and the share of these that two have in common


@dataclass(frozen=True)
class Finding:
    """Something to look at. students: whose; exercise: which, or '' for a whole file; what: a sentence."""

    students: tuple[str, ...]
    exercise: str
    what: str


@dataclass(frozen=True)
class Answer:
    """A student's code for one exercise. who: the student, or where else it is from."""

    who: str
    code: str
    tokens: tuple[str, ...]
    nameless: tuple[str, ...]


def remarks(cells: Sequence[Cell]) -> list[str]:
    """Sentences on what reaches for the library, its references or the check, in the order of the cells."""
    found = {phrase("{cell} {does}", cell=cell.place, does=what): None for cell in cells for node in cell.nodes()
             for inner in ast.walk(node) for what in remarks_on(inner)}
    return list(found) + [phrase("the check in {cell} has been changed", cell=cell.place) for cell in cells
                          if cell.notes.get("grade") and not checks(cell)]


def checks(cell: Cell) -> bool:
    """Whether a cell that nbgrader has marked as a check still calls it."""
    name = str(cell.notes.get("grade_id")).removeprefix("check-")
    return any(isinstance(node, ast.Call) and getattr(node.func, "id", "") == "check" and node.args
               and getattr(node.args[0], "id", "") == name for top in cell.nodes() for node in ast.walk(top))


def remarks_on(node: ast.AST) -> Iterator[str]:
    """What one piece of syntax does."""
    if isinstance(node, ast.ImportFrom):
        module = node.module or ""
        tools = TOOLS if module == "swin_np.exercises" else ()
        if module.split(".")[0] in ("swin_np", *OTHER_LIBRARIES):
            yield from (phrase("imports {name}", name=f"{module}.{name.name}") for name in node.names
                        if name.name not in tools)
    elif isinstance(node, ast.Import):
        yield from (phrase("imports {name}", name=name.name) for name in node.names
                    if name.name.split(".")[0] in ("swin_np", *OTHER_LIBRARIES))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("swin_np."):
        yield phrase("names {name} in a text", name=node.value[:60])
    elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and node.attr in OF_THE_CHECK:
        yield phrase("replaces {name}", name=f".{node.attr}")
    elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("setattr", "delattr"):
        yield from (phrase("replaces {name}", name=f".{part.value}") for part in node.args
                    if isinstance(part, ast.Constant) and part.value in OF_THE_CHECK)
    elif (isinstance(node, ast.FunctionDef) and node.name in TOOLS) or (
            isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in TOOLS):
        yield phrase("defines a {name} of its own", name=getattr(node, "name", "") or getattr(node, "id", ""))
    elif isinstance(node, ast.Attribute) and node.attr in INSIDE:
        yield phrase("uses {name}", name=f".{node.attr}")
    elif isinstance(node, ast.Name) and node.id in INSIDE and isinstance(node.ctx, ast.Load):
        yield phrase("uses {name}", name=node.id)


def from_elsewhere(student: str, origins: dict[str, str]) -> Iterator[Finding]:
    """Functions that are those of a library as they are. origins: what each says it is from."""
    for exercise, origin in origins.items():
        if origin.split(".")[0] in ("swin_np", *OTHER_LIBRARIES):
            yield Finding((student,), exercise, phrase("the answer is the library's own {name}", name=origin))


def answer(who: str, text: str) -> Answer | None:
    """A student's code in the forms in which it is compared; None for code that nobody can read, and for stubs."""
    nodes = parsed(text)
    if not nodes or all(is_stub(node) for node in nodes):
        return None
    plain = ast.Module([without_docstrings(node) for node in nodes], [])
    code = ast.unparse(ast.fix_missing_locations(plain))
    return Answer(who, code, tuple(tokens(plain, {})), tuple(tokens(plain, names_of(plain))))


def without_docstrings(node: ast.stmt) -> ast.stmt:
    """A copy of a statement in which functions have neither docstrings nor annotations."""
    node = copy.deepcopy(node)
    for inner in ast.walk(node):
        if isinstance(inner, ast.FunctionDef):
            inner.body = [line for line in inner.body
                          if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))] or [ast.Pass()]
            inner.returns = None
            for argument in ast.walk(inner.args):
                if isinstance(argument, ast.arg):
                    argument.annotation = None
    return node


def names_of(tree: ast.AST) -> dict[str, str]:
    """The names that the code itself gives, numbered in their order."""
    own: dict[str, str] = {}
    for node in ast.walk(tree):
        name = (node.arg if isinstance(node, ast.arg) else
                node.id if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) else None)
        if name is not None:
            own.setdefault(name, f"name {len(own)}")
    return own


def tokens(node: ast.AST, names: dict[str, str]) -> Iterator[str]:
    """The code as a row of words, its own names replaced."""
    label = type(node).__name__
    for attribute in ("id", "arg", "attr", "name"):
        value = getattr(node, attribute, None)
        if isinstance(value, str):
            label += f" {names.get(value, value)}"
    if isinstance(node, ast.Constant):
        label += f" {node.value!r}"
    if not isinstance(node, ast.expr_context):
        yield label
    for child in ast.iter_child_nodes(node):
        yield from tokens(child, names)


def alike(exercise: str, answers: Sequence[Answer], own: frozenset[str]) -> Iterator[Finding]:
    """Groups of answers to one exercise that are alike, the most alike first. own: who is in the class."""
    grouped: set[frozenset[str]] = set()
    for how in (SAME, SAME_BUT_NAMES, NEARLY):
        for group in groups(how, [one for one in answers if len(one.tokens) >= LEAST[how]]):
            who = frozenset(one.who for one in group)
            if len(who) < 2 or not who & own or any(who <= known for known in grouped):
                continue
            grouped.add(who)
            students = tuple(sorted(who & own))
            said = {SAME: phrase("the same code"), SAME_BUT_NAMES: phrase("the same but for names code"),
                    NEARLY: phrase("nearly the same code")}[how]
            others = [phrase(", also {name}", name=name) for name in sorted(who - own)]
            yield Finding(students, exercise, "".join([said, *others]))


def groups(how: str, answers: Sequence[Answer]) -> list[list[Answer]]:
    """The answers in groups of those that are alike in this way."""
    if how != NEARLY:
        by_code: dict[object, list[Answer]] = {}
        for one in answers:
            by_code.setdefault(one.code if how == SAME else one.nameless, []).append(one)
        return list(by_code.values())
    kinds: dict[tuple[str, ...], list[Answer]] = {}
    for one in answers:
        kinds.setdefault(one.nameless, []).append(one)
    grams = {kind: rows_of(kind) for kind in kinds}
    found: list[list[tuple[str, ...]]] = []
    for kind in kinds:
        near = [group for group in found if any(share(grams[kind], grams[other]) >= ALIKE for other in group)]
        found = [group for group in found if group not in near] + [[kind, *(one for group in near for one in group)]]
    return [[one for kind in group for one in kinds[kind]] for group in found]


def rows_of(kind: Sequence[str]) -> frozenset[object]:
    """All rows of a few tokens in the code; which of its own names stands where does not count."""
    plain = [NUMBERED.sub(" name", word) for word in kind]
    return frozenset(zip(*(plain[start:] for start in range(GRAM)), strict=False))


def share(one: frozenset[object], other: frozenset[object]) -> float:
    """How much two sets have in common, from 0 to 1."""
    smaller, larger = sorted((len(one), len(other)))
    if smaller < ALIKE * larger:
        return 0.0
    common = len(one & other)
    return common / max(len(one) + len(other) - common, 1)
