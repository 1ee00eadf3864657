"""The explorer, built once and opened in headless Chromium; where something is not installed its tests are skipped."""

import json
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def explorer_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page as `python -m notebooks.explorer` writes it."""
    for library in ("nbconvert", "latex2mathml"):
        pytest.importorskip(library)
    from notebooks.explorer.__main__ import main

    file = tmp_path_factory.mktemp("explorer") / "explorer.html"
    assert main([str(file)]) == 0
    return file


@pytest.fixture
def explorer(browser, explorer_file):
    """A function that calls one of the page's own: `explorer("windows.partition", [8, 8], [4, 4])`.

    Arrays of the page come back as lists.
    """
    pytest.importorskip("websocket")
    browser.open(explorer_file.as_uri())

    def call(function: str, *arguments: object) -> object:
        given = ",".join(map(json.dumps, arguments))
        return json.loads(browser.evaluate(
            f"JSON.stringify(explorer.{function}({given}), "
            "(_, value) => ArrayBuffer.isView(value) ? Array.from(value) : value)"))
    return call
