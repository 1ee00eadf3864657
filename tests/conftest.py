"""What every test may ask for, and what `make test` leaves out."""

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import oracle.libraries  # noqa: F401  lets timm and torchvision be imported, wherever a test does

os.environ["SWIN_NP_LANGUAGE"] = "en"                  # whatever the system's
MOST_CASES = 2                                         # of one test function, in `make test`


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20210325)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages and slides, the talk, the explorer, the documents and the reference, as `make docs` builds them."""
    pytest.importorskip("nbformat", reason="jupyter is not installed")
    from notebooks.explorer.__main__ import main as make_explorer  # here, since they need more than the library
    from notebooks.publish import documents, files, pages, talk

    folder = tmp_path_factory.mktemp("pages of the site")
    notebooks = files.find([])
    for make, ending in ((pages.page, pages.PAGE), (pages.slides, pages.SLIDES)):
        pages.publish(make, ending, notebooks, notebooks, folder)
    talk.publish(folder)
    documents.publish(folder)
    make_explorer([str(folder / pages.EXPLORER)])
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """A window of headless Chromium."""
    pytest.importorskip("websocket", reason="jupyter is not installed")
    from tests.notebooks.browser import Browser

    with Browser() as window:
        yield window


@pytest.hookimpl(tryfirst=True)                        # before the marks decide what is run
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of a test with many cases a few are run by `make test`, the same every time; the others are marked long."""
    functions = defaultdict(list)
    for item in items:
        if item.get_closest_marker("long") is None:
            functions[item.nodeid.partition("[")[0]].append(item)
    for cases in functions.values():
        for i in np.random.default_rng(0).permutation(len(cases))[MOST_CASES:]:
            cases[i].add_marker(pytest.mark.long)
