"""The README and the other texts are true: their links lead somewhere, their commands and make targets exist."""

import re
from pathlib import Path

import pytest

import swin_np
from swin_np.commands.cli import parser

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
CHINESE = ROOT / "README.zh-CN.md"
TEXTS = [README, CHINESE, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def in_every_text(pattern: str) -> list[tuple[Path, str]]:
    """What the pattern finds in each text, once each."""
    return [(path, found) for path in TEXTS
            for found in sorted(set(re.findall(pattern, path.read_text(encoding="utf-8"), re.MULTILINE)))]


def test_the_readme_is_at_most_180_lines_long():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 180


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL))
def test_the_python_runs_and_prints_what_its_comments_say(code, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "(1, 56, 56, 96)\n(1, 28, 28, 192)\n(1, 14, 14, 384)\n(1, 7, 7, 768)\n(1, 768) (1, 1000)\n" in printed


def test_every_link_leads_to_a_file():
    found = in_every_text(r"\]\((?!http)([^)#]+)(?:#[^)]*)?\)")
    missing = [(path.name, target) for path, target in found if not (path.parent / target).exists()]
    assert found and missing == []


def test_every_file_that_is_named_exists():
    found = in_every_text(r"`((?:tests|benchmarks|swin_np|figures|oracle|notebooks|docs)/[\w./]+)`")
    assert found and [(path.name, file) for path, file in found if not (ROOT / file).exists()] == []


def test_every_make_target_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    found = in_every_text(r"(?:^|`(?:\w+=\w+ )?)make ([\w-]+)")
    assert {target for path, target in found if path == README} >= {"walkthrough", "test"}
    assert [(path.name, target) for path, target in found
            if not re.search(rf"^([\w -]+ )?{target}:", makefile, re.MULTILINE)] == []


@pytest.mark.parametrize("line", sorted({line for _, line in in_every_text(r"^swin-np (.*)$")}))
def test_every_command_line_is_understood(line):
    parser().parse_args(line.split())


def test_every_benchmark_that_is_named_exists():
    found = in_every_text(r"python -m (benchmarks\.\w+|notebooks\.\w+(?:\.\w+)?)")
    assert found
    for path, module in found:
        place = ROOT / module.replace(".", "/")
        assert place.with_suffix(".py").exists() or (place / "__main__.py").exists(), (path.name, module)


@pytest.mark.parametrize("path", [path for path in TEXTS if path != CHINESE],
                         ids=lambda path: path.name)               # in Chinese a break would be shown as a space
def test_lines_are_no_longer_than_120_but_in_tables_pictures_and_code(path):
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert [line for line in text.splitlines() if len(line) > 120 and not line.startswith(("|", "!", "<!--"))] == []


def test_every_text_has_the_version_of_the_package():
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^## (\d\S+)", changes, re.MULTILINE)[0] == swin_np.__version__
    assert re.findall(r"^version: (\S+)", citation, re.MULTILINE) == [swin_np.__version__]
