"""The pages of docs/ and of the reference, also in headless Chromium: all links lead somewhere, none asks elsewhere."""

import re

import pytest

pytest.importorskip("nbconvert", reason="jupyter is not installed")
pytest.importorskip("websocket", reason="jupyter is not installed")
pytest.importorskip("latex2mathml", reason="latex2mathml is not installed")
from notebooks.publish import documents, online, reference
from notebooks.publish.files import ROOT, NotebookError
from notebooks.publish.rendering import page_of_document, page_of_module
from tests.notebooks.browser import needs_chromium

DOCUMENTS = [page_of_document(path) for path in documents.documents()]
MODULES = reference.module_files()
IDS = [path.relative_to(ROOT).as_posix() for path in MODULES]
LOOKED_AT = [*DOCUMENTS, "reference.html", "swin_np.windows.html", "swin_np.model.html", "swin_np.layers.html"]


def links(path):
    return re.findall(r'<a [^>]*?href="([^"]+)"', path.read_text(encoding="utf-8"))


def anchors(path):
    return set(re.findall(r' id="([^"]+)"', path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", [*DOCUMENTS, "reference.html", "index.html"])
def test_every_link_of_a_page_leads_somewhere(site, name):
    for link in links(site / name):
        if "://" not in link:
            page, _, place = link.partition("#")
            file = site / page if page else site / name
            assert file.exists(), link
            assert not place or place in anchors(file), link


def test_every_link_of_the_reference_leads_somewhere(site):
    there = {path.name: anchors(path) for path in site.glob("*.html")}
    for path in MODULES:
        name = page_of_module(path)
        for link in links(site / name):
            page, _, place = link.partition("#")
            assert not place or place in there[page or name], (name, link)
            assert not page or (site / page).is_file(), (name, link)


@needs_chromium
@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("name", LOOKED_AT)
def test_a_page_fits_the_window_and_asks_for_nothing(browser, site, name, width):
    browser.open((site / name).as_uri(), width=width)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert browser.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 100 && i.alt.length > 10)")
    assert browser.errors == browser.strangers() == []
    assert all(url.startswith("data:") for url in browser.requests[1:])     # the first is the page itself
    marked = browser.evaluate("document.querySelectorAll('[aria-current]').length")
    assert marked == (name in [*DOCUMENTS, "reference.html"])


@pytest.mark.parametrize("path", MODULES, ids=IDS)
def test_a_page_of_the_reference_has_every_public_name_and_its_source(site, path):
    html, tree = (site / page_of_module(path)).read_text(encoding="utf-8"), reference.parsed(path)
    assert {node.name for node in reference.definitions(tree)} <= anchors(site / page_of_module(path))
    assert html.count("<details>") >= html.count('class="signature"') >= sum(
        isinstance(node, reference.Function) for node in reference.definitions(tree))


def test_the_reference_lists_every_file_with_its_first_sentence(site):
    html = (site / "reference.html").read_text(encoding="utf-8")
    assert all(f'href="{page_of_module(path)}"' in html for path in MODULES)
    assert html.count("<dt>") == html.count("<dd>") == len(MODULES)


def test_porting_is_the_text_that_ships_with_the_package(site):
    html = (site / "porting.html").read_text(encoding="utf-8")
    text = (ROOT / "swin_np" / "crosscheck" / "PORTING.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings and all(f">{heading}</h2>" in html for heading in headings)


def test_a_document_that_the_list_leaves_out_is_refused(tmp_path, monkeypatch):
    (tmp_path / "README.md").write_text("# Documentation\n\n* [A](a.md)\n")
    (tmp_path / "a.md").write_text("# A\n")
    (tmp_path / "b.md").write_text("# B\n")
    monkeypatch.setattr(documents, "DOCS", tmp_path)
    with pytest.raises(NotebookError, match=r"does not link to b\.md: add it"):
        documents.documents()


@pytest.mark.parametrize("path", online.SHOWN, ids=lambda path: path.name)
def test_links_to_colab_and_binder_are_those_of_the_setting(path):
    text = path.read_text(encoding="utf-8")
    assert text == online.with_links(text, online.SHOWN[path], online.repository())
    shown = online.with_links(text, online.SHOWN[path], "owner/name")
    notebook = "notebooks/00_start_here.ipynb"
    assert f"(https://colab.research.google.com/github/owner/name/blob/main/{notebook})" in shown
    assert f"(https://mybinder.org/v2/gh/owner/name/main?labpath={notebook})" in shown
    assert "github" not in online.with_links(shown, online.SHOWN[path], None).partition("<!-- online")[2].partition(
        "<!-- end")[0]


def test_the_setting_is_one_line_of_pyproject(tmp_path, monkeypatch):
    monkeypatch.setattr(online, "ROOT", tmp_path)
    (tmp_path / "pyproject.toml").write_text('[project.urls]\nRepository = "https://github.com/owner/name"\n')
    assert online.repository() == "owner/name"
    (tmp_path / "pyproject.toml").write_text("[project.urls]\n")
    assert online.repository() is None
