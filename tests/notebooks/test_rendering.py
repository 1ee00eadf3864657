"""Cells as HTML: formulas, links, pictures; and nothing that a browser would have to load."""

import base64
import io
import json

import pytest
from PIL import Image

pytest.importorskip("nbconvert", reason="jupyter is not installed")
pytest.importorskip("latex2mathml", reason="latex2mathml is not installed")
from nbformat import NotebookNode
from nbformat.v4 import new_output
from toys import code, text, toy

from notebooks.publish.files import FOLDER, NotebookError, read
from notebooks.publish.mathematics import mathml
from notebooks.publish.pages import check_self_contained, page, publish, slides
from notebooks.publish.pictures import opened, picture_html, small_picture
from notebooks.publish.rendering import Target, cell_html, markdown

TARGET = Target(FOLDER, FOLDER.parent / "pages", ".html")

EQUATIONS = {
    1: r"\Omega(\mathrm{MSA}) = 4hwC^2 + 2(hw)^2C",
    2: r"\Omega(\text{W-MSA}) = 4hwC^2 + 2M^2hwC",
    3: r"\begin{aligned} \hat{z}^l &= \text{W-MSA}(\mathrm{LN}(z^{l-1})) + z^{l-1} \\ "
       r"z^l &= \mathrm{MLP}(\mathrm{LN}(\hat{z}^l)) + \hat{z}^l \end{aligned}",
    4: r"\mathrm{Attention}(Q, K, V) = \mathrm{SoftMax}\left(QK^T / \sqrt{d} + B\right)V",
}
PARTS = {1: ["<msup>", "&#x003A9;"], 2: ["<mtext>W-MSA</mtext>"], 3: ["<mtable", "<mover", "<mtr>"], 4: ["<msqrt>"]}


@pytest.mark.parametrize("number", EQUATIONS)
def test_the_equations_of_the_paper_become_mathml(number):
    element = mathml(EQUATIONS[number], block=True)
    assert element.startswith("<math") and 'display="block"' in element
    assert all(part in element for part in PARTS[number])


@pytest.mark.parametrize("formula", [
    r"\begin{cases} 0 & i = j \\ -100 & \text{otherwise} \end{cases}", r"\left\lfloor \frac{M}{2} \right\rfloor",
    r"\hat{B} \in \mathbb{R}^{(2M-1) \times (2M-1)}", r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}",
])
def test_what_else_the_notebooks_need_becomes_mathml(formula):
    element = mathml(formula)
    assert "\\" not in element and "<mi>&</mi>" not in element


@pytest.mark.parametrize("formula", [r"\unknown{x}", r"\frac{", "x & y"])
def test_a_formula_that_cannot_be_converted_is_refused(formula):
    with pytest.raises(NotebookError, match="write it in simpler LaTeX"):
        mathml(formula)


def test_greek_capitals_are_upright():
    assert '<mi mathvariant="normal">&#x003A9;</mi><mi>&#x003C9;</mi>' in mathml(r"\Omega \omega")


def test_formulas_in_a_text_are_found_and_prices_are_not():
    html = markdown(r"It has $h \times w$ tokens, and" "\n\n$$\nx^2\n$$\n\nand `$a$` for \\$5.", TARGET)
    assert html.count("<math") == 2 and html.count('display="block"') == 1
    assert "<code>$a$</code>" in html


@pytest.mark.parametrize(("link", "href"), [
    ("00_start_here.ipynb", "00_start_here.html"),
    ("00_start_here.ipynb#Three-claims", "00_start_here.html#Three-claims"),
    ("../swin_np/windows.py", "swin_np.windows.html"), ("../swin_np/dense/fpn.py", "swin_np.dense.fpn.html"),
    ("../docs/evidence.md#Rounding", "evidence.html#Rounding"), ("../docs/README.md", "docs.html"),
    ("../LICENSE", "../LICENSE"), ("../benchmarks/speed.py", "../benchmarks/speed.py"),
    ("../swin_np/__init__.py", "../swin_np/__init__.py"), ("https://arxiv.org/abs/2103.14030",) * 2, ("#here", "#here"),
])
def test_links_lead_to_pages_to_files_and_elsewhere(link, href):
    assert f'<a href="{href}">' in markdown(f"[text]({link})", TARGET)


def test_links_to_files_are_right_from_any_folder(tmp_path):
    html = markdown("[text](../benchmarks/speed.py)", Target(FOLDER, tmp_path / "a" / "b", ".html"))
    path = html.partition('href="')[2].partition('"')[0]
    assert (tmp_path / "a" / "b" / path).resolve() == FOLDER.parent / "benchmarks" / "speed.py"


@pytest.mark.parametrize("link", ["[text](no_such.ipynb)", "[text](../no_such.py)", "![text](no_such.png)",
                                  "![text](https://example.org/a.png)", "![](../figures/four_kinds_of_mask.svg)"])
def test_links_and_pictures_that_lead_nowhere_are_refused(link):
    with pytest.raises(NotebookError, match=r"leads to no file|is no file|no description"):
        markdown(link, TARGET)


def test_a_picture_in_a_text_is_put_in():
    html = markdown("![four masks](../figures/four_kinds_of_mask.svg)", TARGET)
    assert '<img src="data:image/svg+xml;base64,' in html and 'alt="four masks"' in html


def test_headings_have_the_anchors_of_jupyterlab():
    assert '<h2 id="From-regions-to-masks">' in markdown("## From regions to masks", TARGET)


@pytest.mark.parametrize("html", [
    '<script src="https://cdn.example.org/x.js"></script>', '<img src="picture.png">', '<iframe src="//a.b"></iframe>',
    '<link rel="stylesheet" href="x.css">', "<style>@import 'x.css';</style>", '<img srcset="a.png 2x" src="data:,">',
    "<style>p { background: url('https://a.b/c.png') }</style>", '<p style="background: url(c.png)">',
    '<svg><image href="a.png"/></svg>',
])
def test_a_page_that_would_load_something_is_refused(html):
    with pytest.raises(NotebookError, match="expected a page that loads nothing"):
        check_self_contained("page.html", f"<body>{html}</body>")


def test_a_page_that_only_mentions_addresses_is_none_of_these():
    check_self_contained("page.html", '<a href="https://a.b">src="x.png"</a><pre>&lt;img src="x.png"&gt; url(x)</pre>'
                                      '<img src="data:image/png;base64,AA"><script>const url = "x";</script>')


def png(*greys):
    """A small PNG in base 64, with a frame for each grey, or black and still."""
    first, *others = [Image.new("L", (8, 6), grey) for grey in greys or (0,)]
    content = io.BytesIO()
    first.save(content, "png", **({"save_all": True, "append_images": others, "duration": 700} if others else {}))
    return base64.b64encode(content.getvalue()).decode()


def test_a_picture_that_moves_has_its_frames_and_buttons_and_another_has_none():
    html = picture_html(png(0, 100, 200), "a film")
    frames = json.loads(html.partition('json">')[2].partition("</script>")[0])
    greys = [Image.open(io.BytesIO(base64.b64decode(frame.partition(",")[2]))).convert("L").getpixel((3, 3))
             for frame in frames]
    assert greys == [0, 100, 200] and 'data-milliseconds="700"' in html
    assert [part.partition("<")[0] for part in html.split("<button>")[1:]] == ["back", "pause", "step"]
    assert "<button>" not in picture_html(png(), "still") and "json" not in picture_html(png(), "still")


def with_output(data, metadata=None):
    cell = code("x")
    cell.outputs = [new_output("execute_result", data=data, metadata=metadata or {})]
    return cell


def test_a_picture_without_description_is_refused():
    with pytest.raises(NotebookError, match="a picture has no description"):
        cell_html(with_output({"image/png": png()}), TARGET)


def test_the_contents_show_the_first_picture_of_a_notebook():
    cells = [code("nothing"), *(with_output({"image/png": png(grey)}) for grey in (100, 200))]
    html = small_picture(NotebookNode(cells=cells))
    assert opened(html.partition("base64,")[2].partition('"')[0]).convert("L").getpixel((3, 3)) == 100
    assert small_picture(NotebookNode(cells=cells[:1])) == ""


def test_what_cells_show_is_escaped_but_for_markup():
    html = cell_html(with_output({"text/plain": "<b> & </b>"}), TARGET)
    assert "&lt;b&gt; &amp; &lt;/b&gt;" in html
    alt = cell_html(with_output({"image/png": png()}, {"image/png": {"alt": 'a "b" <c>'}}), TARGET)
    assert 'alt="a &quot;b&quot; &lt;c&gt;"' in alt


def test_slides_follow_the_slide_types(tmp_path):
    path = toy(tmp_path / "toy.ipynb", text("on the first"), text("second", "slide"), text("later", "fragment"),
               text("left out", "skip"), text("for the speaker", "notes"), text("third", "subslide"))
    html = slides([path], 0, tmp_path)
    pages = html.split('<section class="slide"')[1:]
    assert len(pages) == 3
    assert "A toy" in pages[0] and "on the first" in pages[0]
    assert '<div class="fragment"><p>later' in pages[1] and '<div class="notes"><p>for the speaker' in pages[1]
    assert "third" in pages[2] and "left out" not in html


@pytest.mark.parametrize(("old", "message"), [
    ("# A toy", "expected a heading"), ("* **Time:** 1 minute\\n", "expected Paper, Before, Time, Afterwards"),
    ("* **Before:** nothing\\n", "expected Paper, Before, Time, Afterwards"),
])
def test_a_notebook_without_its_frame_is_refused(tmp_path, old, message):
    path = toy(tmp_path / "toy.ipynb")
    stored = path.read_text(encoding="utf-8")
    line = next(line for line in stored.splitlines() if old.removesuffix("\\n") in line)
    path.write_text(stored.replace(line, '    "nothing\\n",'), encoding="utf-8")
    with pytest.raises(NotebookError, match=message):
        page([path], 0, tmp_path)


def test_a_faulty_notebook_is_named_and_nothing_is_written(tmp_path):
    good, bad = toy(tmp_path / "a.ipynb"), toy(tmp_path / "b.ipynb", text(r"$\unknown$"))
    with pytest.raises(NotebookError, match=r"^b\.ipynb: the formula"):
        publish(page, ".html", [good, bad], [good, bad], tmp_path / "pages")
    assert not (tmp_path / "pages").exists()


def test_pages_link_to_their_neighbours(tmp_path):
    paths = [toy(tmp_path / f"{name}.ipynb") for name in "abc"]
    html = page(paths, 1, tmp_path)
    assert html.count('<a href="a.html">Before: A toy</a>') == html.count('<a href="c.html">Next: A toy</a>') == 2
    assert read(paths[0]) is not None


def test_a_link_to_an_exercise_leads_to_the_notebook_itself_which_has_no_page():
    assert 'href="../notebooks/exercises/01_attention.ipynb"' in markdown("[a](exercises/01_attention.ipynb)", TARGET)
