"""The README is true: its Python runs, its links lead somewhere, its commands and make targets exist."""

import re
from pathlib import Path

import pytest

from swin_np.commands.cli import parser

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_the_python_runs_and_prints_what_its_comments_say(code, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "(1, 56, 56, 96)\n(1, 28, 28, 192)\n(1, 14, 14, 384)\n(1, 7, 7, 768)\n(1, 768) (1, 1000)\n" in printed


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\((?!http)([^)#]+)\)", README))))
def test_every_link_leads_to_a_file(target):
    assert (ROOT / target).exists()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:tests|benchmarks|swin_np|figures)/[\w./]+)`", README))))
def test_every_file_that_is_named_exists(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:^|`)make (\w+)", README, re.MULTILINE))))
def test_every_make_target_exists(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("line", re.findall(r"^swin-np (.*)$", README, re.MULTILINE))
def test_every_command_line_is_understood(line):
    parser().parse_args(line.split())
