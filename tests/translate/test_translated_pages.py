"""Pages of a language without a browser: where their links lead, their fixed phrases, and type behind bold."""

from dataclasses import replace

import pytest

pytest.importorskip("nbconvert", reason="jupyter is not installed")
pytest.importorskip("latex2mathml", reason="latex2mathml is not installed")
from notebooks.publish.files import EXERCISES, FOLDER, ROOT, find
from notebooks.publish.pages import FRAME, exercises, frame, page, publish
from notebooks.publish.rendering import Target, markdown
from notebooks.translate.languages import ENGLISH, find_language, languages

CHINESE = find_language("zh")
PAGES = ROOT / "pages" / "zh"
TARGET = Target(FOLDER, PAGES, ".html", CHINESE)
ENGLISH_FILE = "../../notebooks/exercises/01_attention.ipynb"


@pytest.fixture
def untranslated(tmp_path):
    """A language with the texts of the pages and no notebook."""
    return replace(CHINESE, code="none", folder=tmp_path)


@pytest.mark.parametrize(("link", "href"), [
    ("05_cyclic_shift_and_masks.ipynb", "05_cyclic_shift_and_masks.html"),
    ("../swin_np/windows.py", "../swin_np.windows.html"), ("../docs/evidence.md#Rounding", "evidence.html#舍入"),
    ("../docs/README.md", "docs.html"), ("../docs/glossary.md", "../glossary.html"), ("../LICENSE", "../../LICENSE"),
    ("../benchmarks/speed.py", "../../benchmarks/speed.py"),
    ("../pages/explorer.html#cost", "explorer.html#cost"), ("https://arxiv.org/abs/2103.14030",) * 2,
])
def test_links_stay_in_the_language_or_lead_to_the_english_page(link, href):
    assert f'<a href="{href}">' in markdown(f"[字]({link})", TARGET)


def test_what_a_language_lacks_leads_to_the_english_page(untranslated):
    target = Target(FOLDER, PAGES, ".html", untranslated)
    for link, href in (("05_cyclic_shift_and_masks.ipynb", "../05_cyclic_shift_and_masks.html"),
                       ("../docs/evidence.md#Rounding", "../evidence.html#Rounding"),
                       ("../pages/explorer.html#cost", "../explorer.html#cost")):
        assert f'<a href="{href}">' in markdown(f"[字]({link})", target)


def test_the_space_that_bold_type_needs_in_markdown_is_not_shown():
    assert markdown("**先猜：** 几个？", TARGET) == "<p><strong>先猜：</strong>几个？</p>\n"
    assert markdown("**Predict:** how many?", TARGET) == "<p><strong>Predict:</strong> how many?</p>\n"


def test_the_frame_is_read_in_the_language_and_in_english(untranslated):
    for path in find([])[:3]:
        chinese, english = (frame(path, language.read(path), language) for language in (CHINESE, untranslated))
        assert tuple(chinese) == tuple(english) == FRAME and chinese != english


def test_a_page_whose_text_has_changed_shows_the_english_text_there(tmp_path):
    path = find(["05_cyclic_shift_and_masks"])[0]
    language = replace(CHINESE, folder=tmp_path)
    content = CHINESE.sidecar_file(path.stem).read_text(encoding="utf-8")
    language.sidecar_file(path.stem).write_text(content.replace('"of": "', '"of": "0', 1), encoding="utf-8")
    html = page([path], 0, tmp_path, language)
    assert "<h1" in html and "Cyclic shift and masks</h1>" in html and "九个区域" in html


def test_the_contents_lead_to_the_exercises_in_their_language_where_they_are_translated(untranslated, tmp_path):
    for language, href, lang, said in (
            (CHINESE, "exercises/01_attention.ipynb", "", "练习 1：注意力</a>：65 分钟，五道练习"),
            (untranslated, ENGLISH_FILE, ' lang="en"', "Exercises 1: attention</a>：65 minutes"),
            (ENGLISH, ENGLISH_FILE, "", "Exercises 1: attention</a>: 65 minutes")):
        assert f'<li{lang}><a href="{href}">{said}' in exercises(PAGES, language)


def test_every_language_gets_its_pages_and_the_english_contents_are_the_last(tmp_path):
    path = find(["00_start_here"])[0]
    written = publish(page, ".html", [path], [path], tmp_path)
    notebooks = [f"zh/exercises/{path.name}" for path in sorted(EXERCISES.glob("*.ipynb"))]
    assert [file.relative_to(tmp_path).as_posix() for file in written] == [
        "zh/00_start_here.html", *notebooks, "zh/index.html", "00_start_here.html", "index.html"]
    assert list(languages()) == ["en", "zh"]
    assert '<html lang="zh-CN">' in written[0].read_text(encoding="utf-8")
    assert '<html lang="en">' in written[-1].read_text(encoding="utf-8")
