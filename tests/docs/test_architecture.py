"""docs/architecture.md is true: its tree is the tree of the repository, and imports run the way it says."""

import ast
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
TREE, LINES = re.findall(r"```\n(.*?)```", PAGE, re.DOTALL)
LEVEL = {name: number for number, line in enumerate(LINES.splitlines()) for name in line.split(", ")}
IGNORED = [".git", *(ROOT / ".gitignore").read_text(encoding="utf-8").split()]


def tree_of_the_page() -> set[str]:
    """Every path that the page describes, from the root of the repository; folders end in a slash."""
    found, folders = set(), []
    for line in TREE.splitlines():
        name = line.split()[0]
        depth = (len(line) - len(line.lstrip())) // 2
        folders = [*folders[:depth], name]
        found.add("".join(folders))
    return found


def is_ignored(path: Path) -> bool:
    """Whether .gitignore leaves the path out: by the name of a folder, or by its place."""
    place = path.relative_to(ROOT).as_posix()
    return any(fnmatch(path.name, pattern.strip("/")) or fnmatch(place, pattern.strip("/")) for pattern in IGNORED)


def tree_of_the_repository() -> set[str]:
    """What the page has to describe: the root, the top of the library, and all of the library's folders."""
    library = ROOT / "swin_np"
    paths = {*ROOT.iterdir(), *library.iterdir(), *(path for path in library.rglob("*") if path.is_dir())}
    return {path.relative_to(ROOT).as_posix() + "/" * path.is_dir() for path in paths if not is_ignored(path)}


def modules() -> dict[str, Path]:
    """Every module of the library by its name without `swin_np.`."""
    folder = ROOT / "swin_np"
    names = {path: ".".join(path.relative_to(folder).with_suffix("").parts) for path in folder.rglob("*.py")}
    return {name: path for path, name in names.items()}


def imported(path: Path) -> set[str]:
    """The first names behind `swin_np.` of everything that a file imports, at its head or inside a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "swin_np":
            found |= {node.module.split(".")[1]} if "." in node.module else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("swin_np.")}
    return found & set(LEVEL)


def test_every_file_and_folder_of_the_page_exists():
    missing = [place for place in tree_of_the_page() if not (ROOT / place).exists()]
    assert missing == []


def test_every_file_and_folder_is_on_the_page():
    assert sorted(tree_of_the_repository() - tree_of_the_page()) == []


def test_every_part_of_the_library_has_its_line_in_the_order_of_imports():
    parts = {name.split(".")[0] for name in modules()} - {"__init__", "__main__"}
    assert parts == set(LEVEL)


@pytest.mark.parametrize("part", LEVEL)
def test_no_import_goes_against_the_order(part):
    against = [f"{name} imports {other}" for name, path in modules().items() if name.split(".")[0] == part
               for other in imported(path) if LEVEL[other] > LEVEL[part]]
    assert against == []


def needed(path: Path, names: dict[str, Path]) -> set[str]:
    """The modules that a file imports at its head."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "swin_np":
            module = node.module.removeprefix("swin_np").strip(".")
            inner = [f"{module}.{alias.name}".strip(".") for alias in node.names]
            found |= {name if name in names else module if module in names else f"{module}.__init__".strip(".")
                      for name in inner}
    return found


def test_the_files_of_the_library_import_each_other_in_no_circle():
    names = modules()
    arrows = {name: needed(path, names) - {name} for name, path in names.items()}
    while free := [name for name in arrows if not arrows[name] & set(arrows)]:
        for name in free:
            del arrows[name]
    assert sorted(arrows) == []


@pytest.mark.parametrize("library", ["torch", "timm", "torchvision", "transformers", "matplotlib", "PIL"])
def test_the_paper_files_need_numpy_alone(library):
    paper = ["patches", "windows", "attention", "block", "model", "ragged", "complexity", "shape_policy", "functional",
             "layers", "errors"]
    for name in paper:
        text = (ROOT / "swin_np" / f"{name}.py").read_text(encoding="utf-8")
        assert not re.search(rf"^\s*(from|import) {library}\b", text, re.MULTILINE), name
