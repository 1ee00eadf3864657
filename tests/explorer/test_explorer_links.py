"""The links into the explorer that notebooks, exercises, the talk and the documents have lead to what they say."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "notebooks"
TEXTS = [path for pattern in ("*.ipynb", "exercises/*.ipynb", "talk/*.md") for path in sorted(FOLDER.glob(pattern))]
LINKS = sorted({(path.name, link) for path in [*TEXTS, *sorted((ROOT / "docs").glob("*.md"))]
                for link in re.findall(r"explorer\.html(#[^)\s`\"]+)", path.read_text(encoding="utf-8"))})


def test_notebooks_exercises_and_the_talk_lead_into_the_explorer():
    assert {name for name, _ in LINKS} >= {
        "03_window_attention.ipynb", "04_shifted_windows.ipynb", "05_cyclic_shift_and_masks.ipynb",
        "06_complexity.ipynb", "07_what_the_shift_and_the_bias_are_for.ipynb", "08_the_whole_model.ipynb",
        "03_windows.ipynb", "talk_swin.md", "teaching.md"}


@pytest.mark.parametrize(("name", "link"), LINKS)
def test_a_link_into_the_explorer_is_understood(browser, explorer_file, name, link):
    browser.open(explorer_file.as_uri())
    wrong = browser.evaluate(f"explorer.link.read({link!r}, explorer.views).wrong.join()")
    view = browser.evaluate(f"explorer.link.read({link!r}, explorer.views).view")
    assert view and wrong == ""
