"""Links that open the notebooks in Colab and Binder, from one setting: the repository's address in pyproject.toml."""

import re
from pathlib import Path

from notebooks.publish.files import FOLDER, ROOT
from notebooks.translate.documents import is_translated, translation
from notebooks.translate.languages import Language, languages
from swin_np.writing import write_text

BETWEEN = re.compile(r"(<!-- online: [^>]*-->\n).*?(<!-- end -->)", re.DOTALL)
SETTING = re.compile(r'^Repository = "https://github\.com/([\w.-]+/[\w.-]+?)/?"$', re.MULTILINE)
COLAB = "https://colab.research.google.com/github/{repository}/blob/main/{notebook}"
BINDER = "https://mybinder.org/v2/gh/{repository}/main?labpath={notebook}"
NOTEBOOKS = {ROOT / "README.md": ("00_start_here",), ROOT / "docs" / "teaching.md": ("*", "exercises/*")}
SHOWN = {translation(file, language): (patterns, language) for file, patterns in NOTEBOOKS.items()
         for language in languages().values() if is_translated(file, language)}
"""The texts that show links, to which notebooks, and in which language."""


def repository() -> str | None:
    """OWNER/NAME of the public repository, from `[project.urls]` in pyproject.toml; None while it has no address."""
    found = SETTING.search((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return found[1] if found else None


def links(patterns: tuple[str, ...], language: Language, public: str | None) -> str:
    """Markdown that opens these notebooks online; nothing without a public repository, which would be dead links."""
    if public is None:
        return ""
    paths = [path for pattern in patterns for path in sorted(FOLDER.glob(f"{pattern}.ipynb"))]
    lines = [f"* {path.stem.replace('_', ' ')}: " + ", ".join(
        f"[{name}]({address.format(repository=public, notebook=path.relative_to(ROOT).as_posix())})"
        for name, address in (("Colab", COLAB), ("Binder", BINDER))) for path in paths]
    command = f"`!pip install git+https://github.com/{public}`"
    return "\n".join([language.texts["online"], "", *lines, "", language.texts["in Colab"].format(command), ""])


def with_links(text: str, shown: tuple[tuple[str, ...], Language], public: str | None) -> str:
    """The text with these links between its two marks."""
    return BETWEEN.sub(lambda marks: marks[1] + links(*shown, public) + marks[2], text)


def publish() -> list[Path]:
    """Write the links into the texts that show them; the files."""
    for path, shown in SHOWN.items():
        write_text(with_links(path.read_text(encoding="utf-8"), shown, repository()), path)
    return list(SHOWN)
