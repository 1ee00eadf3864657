"""The reference: a page for every file of the library, made from its source: signatures, docstrings and code."""

import ast
import inspect
import re
from collections import Counter
from html import escape
from pathlib import Path
from textwrap import dedent

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonConsoleLexer, PythonLexer

import swin_np
from notebooks.publish.files import ROOT, NotebookError
from notebooks.publish.rendering import page_of_module, python

LIBRARY = ROOT / "swin_np"
FIRST = ("patches", "windows", "attention", "block", "model", "variants", "ragged", "complexity", "costs",
         "shape_policy", "functional", "layers", "chain")               # the paper's order; then the alphabet
WIDEST = 88                                            # characters of a signature in one line
FEW = 3                                                # names on a page that needs no list of them
Function = ast.FunctionDef | ast.AsyncFunctionDef


def module_files() -> list[Path]:
    """The files of the library that have a page, folder by folder: all but those that only gather others."""
    files = [path for path in LIBRARY.rglob("*.py") if page_of_module(path)]
    place = {name: number for number, name in enumerate(FIRST)}
    return sorted(files, key=lambda path: (path.parent.relative_to(LIBRARY).parts, place.get(path.stem, len(FIRST)),
                                           path.stem))


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def definitions(tree: ast.Module | ast.ClassDef) -> list[Function | ast.ClassDef]:
    """The public functions and classes of a module, or the public methods of a class."""
    return [node for node in tree.body if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_")]


def first_sentence(path: Path) -> str:
    """What a file says of itself in its first line; NotebookError if nothing."""
    if not (text := ast.get_docstring(parsed(path))):
        raise NotebookError(f"{path.relative_to(ROOT)} says nothing of itself: begin it with a docstring")
    return text.splitlines()[0]


def addresses() -> dict[str, str]:
    """Where each name that is defined once, or exported by the package, is explained."""
    found = [(name, path) for path in module_files() for tree in [parsed(path)]
             for name in [*(node.name for node in definitions(tree)), *explained(tree)]]
    defined = Counter(name for name, _ in found)
    exported = {name: getattr(swin_np, name).__module__ for name in swin_np.__all__
                if hasattr(getattr(swin_np, name), "__module__")}
    return {name: f"{page_of_module(path)}#{name}" for name, path in found
            if defined[name] == 1 or exported.get(name) == module_name(path)}


def module_name(path: Path) -> str:
    return page_of_module(path).removesuffix(".html")


def link(name: str, address: str | None) -> str:
    """A name as code, linked if it has an address."""
    return f"<code>{name}</code>" if address is None else f'<a href="{address}"><code>{name}</code></a>'


def inline(text: str, known: dict[str, str]) -> str:
    """A paragraph of a docstring, with `names` as code, linked where they are explained."""
    def code(match: re.Match[str]) -> str:
        name = match[1].removeprefix("swin_np.").removesuffix("()")
        a_name = not name.isalpha() or not name.islower() or name != match[1]  # no mere word
        return link(match[1], known.get(name) if a_name else None)

    text = re.sub(r"(^|\n)([a-z_]\w*(?:, \w+)*)(?=: )", r"<br><b>\2</b>", escape(text, quote=False))      # a parameter
    return f"<p>{re.sub('`([^`]+)`', code, text).removeprefix('<br>')}</p>"


def prose(text: str | None, known: dict[str, str]) -> str:
    """A docstring as HTML: paragraphs, and examples in colours."""
    blocks = inspect.cleandoc(text or "").split("\n\n")
    return "\n".join(
        highlight(block, PythonConsoleLexer(), HtmlFormatter(cssclass="highlight example"))
        if block.startswith(">>>") else inline(block, known) for block in blocks if block)


def signature(node: Function) -> str:
    """A function's name, arguments and result as in its source; long ones with a line for each argument."""
    arguments = re.sub(r"^(self|cls)(, )?", "", ast.unparse(node.args))
    arguments = re.sub(r"(: [^=:]+)=", r"\1 = ", arguments)             # x: int=0, as ast writes it
    result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    line = f"{node.name}({arguments}){result}"
    if len(line) > WIDEST:
        parts = re.split(r", (?![^\[(]*[\])])", arguments)
        line = f"{node.name}(\n" + "".join(f"    {part},\n" for part in parts) + f"){result}"
    return line


def fields(node: ast.ClassDef, lines: list[str]) -> str:
    """The fields of a dataclass, as they stand in the source, with the shapes behind them."""
    found = [line for item in node.body if isinstance(item, ast.AnnAssign)
             for line in lines[item.lineno - 1:item.end_lineno]]
    return python(dedent("\n".join(found))) if found else ""


def source(node: Function, lines: list[str]) -> str:
    """The code of a function, folded."""
    start = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    code = python(dedent("\n".join(lines[start - 1:node.end_lineno])))
    return f"<details><summary>Source</summary>{code}</details>"


def function_html(node: Function, level: int, anchor: str, lines: list[str], known: dict[str, str]) -> str:
    code = highlight(signature(node), PythonLexer(), HtmlFormatter(nowrap=True)).rstrip()
    return (f'<section><h{level} id="{anchor}">{node.name}</h{level}>\n<pre class="signature">{code}</pre>\n'
            f"{prose(ast.get_docstring(node), known)}\n{source(node, lines)}</section>")


def class_html(node: ast.ClassDef, lines: list[str], known: dict[str, str]) -> str:
    methods = [function_html(method, 3, f"{node.name}.{method.name}", lines, known) for method in definitions(node)
               if isinstance(method, Function)]
    return "\n".join([f'<section><h2 id="{node.name}">{node.name}</h2>', prose(ast.get_docstring(node), known),
                      fields(node, lines), *methods, "</section>"])


def explained(tree: ast.Module) -> dict[str, tuple[ast.stmt, str]]:
    """The constants that have a sentence below them, and the sentence."""
    found = {}
    for node, below in zip(tree.body, tree.body[1:], strict=False):
        is_sentence = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
        if is_sentence and isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            found[ast.unparse(target)] = (node, ast.literal_eval(below.value))
    return found


def constant_html(name: str, node: ast.stmt, sentence: str, text: str, known: dict[str, str]) -> str:
    return (f'<section><h2 id="{name}">{name}</h2>{prose(sentence, known)}'
            f"{python(ast.get_source_segment(text, node) or '')}</section>")


def module_html(path: Path, known: dict[str, str]) -> str:
    """All of a file's public things, for the body of its page."""
    text = path.read_text(encoding="utf-8")
    tree, lines = ast.parse(text), text.splitlines()
    names = [*explained(tree), *(node.name for node in definitions(tree))]
    parts = [f"<h1>{module_name(path)}</h1>", prose(ast.get_docstring(tree), known)]
    if len(names) > FEW:
        parts.append(f"<p>{', '.join(link(name, f'#{name}') for name in names)}</p>")
    parts += [constant_html(name, *what, text, known) for name, what in explained(tree).items()]
    for node in definitions(tree):
        parts.append(class_html(node, lines, known) if isinstance(node, ast.ClassDef)
                     else function_html(node, 2, node.name, lines, known))
    return "\n".join(parts)


def contents_html(known: dict[str, str]) -> str:
    """The list of what `import swin_np` gives, and of all files with what they say of themselves."""
    names = ", ".join(link(name, known.get(name)) for name in swin_np.__all__)
    parts = ["<h1>Reference</h1>", f"<p><code>import swin_np</code> gives {names}.</p>"]
    folder = None
    for path in module_files():
        if path.parent != folder:
            parts.append(f"{'</dl>' if folder else ''}<h2>{path.parent.relative_to(ROOT).as_posix()}</h2><dl>")
            folder = path.parent
        parts.append(f'<dt><a href="{page_of_module(path)}">{path.name}</a></dt>'
                     f"<dd>{inline(first_sentence(path), known)}</dd>")
    return "\n".join([*parts, "</dl>"])
