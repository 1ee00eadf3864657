"""The stored notebooks: each has its frame, has run from top to bottom, and shows what it does; the command line."""

import re
import sys

import pytest

pytest.importorskip("nbclient", reason="jupyter is not installed")
pytest.importorskip("latex2mathml", reason="latex2mathml is not installed")

from ipywidgets import interactive

from notebooks.publish.__main__ import main
from notebooks.publish.files import FOLDER, LARGEST, find, read, tags, text_of, tidy
from notebooks.publish.pages import frame, slide_type
from swin_np.errors import ConfigurationError

PATHS = find([])
LONGEST_CELL, WIDEST_LINE, MOST_SENTENCES = 14, 100, 4
MACHINE = re.compile(r"/(?:home|root|tmp|work|Users)/|[A-Z]:\\\\")     # paths of one machine


@pytest.fixture(params=PATHS, ids=[path.stem for path in PATHS])
def path(request):
    return request.param


def code_cells(path):
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def test_the_first_cell_is_the_frame(path):
    assert all(frame(path, read(path)).values())


def test_a_notebook_is_small_and_stored_as_execute_stores_it(path):
    notebook, stored = read(path), path.read_text(encoding="utf-8")
    tidy(notebook)
    assert len(stored.encode()) < LARGEST
    assert text_of(notebook) == stored


def test_it_has_run_from_top_to_bottom_without_error(path):
    cells = code_cells(path)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not any(output.output_type == "error" for cell in cells for output in cell.outputs)


def test_cells_are_short_and_their_lines_fit_a_page(path):
    for cell in code_cells(path):
        lines = cell.source.splitlines()
        assert max(map(len, lines)) <= WIDEST_LINE, lines
        imports = all(line.startswith(("import", "from", " ", ")")) for line in lines if line)
        assert imports or len(lines) <= LONGEST_CELL


def test_every_cell_but_imports_and_sliders_shows_something_or_asserts(path):
    for cell in code_cells(path):
        imports = all(re.match(r"(import|from|\s|\)|$)", line) for line in cell.source.splitlines())
        assert cell.outputs or imports or "assert" in cell.source or "widget" in tags(cell), cell.source


def test_paragraphs_are_short(path):
    for cell in read(path).cells:
        if cell.cell_type == "markdown":
            for paragraph in re.split(r"\n\s*\n", cell.source):
                if not re.match(r"[#*|>]|\d\. |\$\$", paragraph):        # no list, table or formula
                    assert len(re.findall(r"[a-z)\d`*$][.?!](?:\s|$)", paragraph)) <= MOST_SENTENCES, paragraph


def test_pictures_are_described_and_nothing_is_of_one_machine(path):
    for cell in code_cells(path):
        for output in cell.outputs:
            data = output.get("data", {})
            assert "image/png" not in data or len(output.metadata["image/png"].alt) > 20
            shown = output.get("text", "") + "".join(data.get(kind, "") for kind in ("text/plain", "text/markdown"))
            assert not MACHINE.search(shown) and not re.search(r"\b0x[0-9a-f]{6,}", shown), shown


def test_there_is_a_question_before_an_answer(path):
    cells = read(path).cells
    asked = [i for i, cell in enumerate(cells) if cell.cell_type == "markdown" and "**Predict:**" in cell.source]
    assert asked
    assert all(any(cell.cell_type == "code" for cell in cells[i + 1:]) for i in asked)


def test_beside_every_widget_stands_a_picture(path):
    cells = read(path).cells
    widgets = [i for i, cell in enumerate(cells) if "widget" in tags(cell)]
    for i in widgets:
        near = [output for cell in cells[max(0, i - 3):i + 4] for output in cell.get("outputs", [])]
        assert any("image/png" in output.get("data", {}) for output in near)


def test_every_slider_opens_on_a_figure(path):
    def opened(draw, **ranges):
        start = {slider.description: slider.value for slider in interactive(lambda **_: None, **ranges).children
                 if hasattr(slider, "step") or hasattr(slider, "options")}
        assert set(start) == set(ranges)
        figures.append(draw(**start))                  # the library's error, where the numbers do not fit each other

    imports, *cells = code_cells(path)
    widgets = [cell for cell in cells if "widget" in tags(cell)]
    figures, names = [], {}
    if widgets:
        exec(imports.source, names)
    for cell in widgets:
        exec(cell.source, names | {"sliders": opened})
    assert len(figures) == len(widgets)


def test_a_notebook_has_slides(path):
    kinds = [slide_type(cell) for cell in read(path).cells]
    assert kinds[0] == "slide" and kinds.count("slide") >= 5


def test_notebooks_are_found_by_name_in_their_order():
    assert [path.stem for path in find(["05_cyclic_shift_and_masks.ipynb", "00_start_here"])] == [
        "00_start_here", "05_cyclic_shift_and_masks"]
    with pytest.raises(ConfigurationError, match="did you mean '00_start_here'"):
        find(["00_start"])


@pytest.mark.parametrize(("arguments", "status", "message"), [
    (["html", "no_such"], 2, "unknown notebook 'no_such'"),
    (["html", "--folder", "/dev/null/pages"], 2, "the folder /dev/null/pages cannot be made"),
])
@pytest.mark.skipif(sys.platform == "win32", reason="there is no /dev/null")
def test_the_command_line_says_in_one_sentence_what_is_wrong(capsys, arguments, status, message):
    assert main(arguments) == status
    said = capsys.readouterr()
    assert message in said.err and said.err.count("\n") == 1 and "Traceback" not in said.err


@pytest.mark.parametrize("command", [[], ["execute"], ["check"], ["html"], ["slides"]])
def test_every_command_has_help_with_an_example(capsys, command):
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    assert "example: python -m notebooks.publish" in " ".join(capsys.readouterr().out.split())


def test_the_folder_of_the_notebooks_is_the_one_of_the_repository():
    assert (FOLDER.parent / "pyproject.toml").is_file()
