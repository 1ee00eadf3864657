"""Notebooks run from a clean kernel: what is stored, what is compared, and what is said of a faulty one."""

import io
from base64 import b64decode, b64encode

import pytest

pytest.importorskip("nbclient", reason="jupyter is not installed")
pytest.importorskip("ipywidgets", reason="jupyter is not installed")
from nbformat.v4 import new_output
from PIL import Image
from toys import code, toy

from notebooks.publish.execution import check, compare, execute, keep_pictures, run
from notebooks.publish.files import NotebookError, read, text_of
from swin_np.writing import write_text

CELLS = (
    code("import os, sys, time\nimport swin_np"),
    code("print('one'); sys.stdout.flush(); time.sleep(0.3); print('two'); print('noise', file=sys.stderr)"),
    code("os.getpid()", "timing"),
    code("os.path.basename(os.getcwd())"),
    code("from swin_np import plots\nfrom swin_np.notebook import show\nshow(plots.complexity_curve(), 'a curve')"),
    code("from ipywidgets import IntSlider\nIntSlider()", "widget"),
)


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A toy that was executed."""
    path = toy(tmp_path_factory.mktemp("notebooks") / "toy.ipynb", *CELLS)
    write_text(execute(path), path)
    return path


def outputs(path):
    return [cell.outputs for cell in read(path).cells if cell.cell_type == "code"]


def test_what_is_printed_is_stored_in_one_piece_without_standard_error(executed):
    assert [output.text for output in outputs(executed)[1]] == ["one\ntwo\n"]


def test_a_kernel_runs_where_the_notebook_lies(executed):
    assert outputs(executed)[3][0].data["text/plain"] == repr(executed.parent.name)


def test_a_picture_is_stored_with_its_description(executed):
    output, = outputs(executed)[4]
    assert output.metadata["image/png"].alt == "a curve"
    assert Image.open(io.BytesIO(b64decode(output.data["image/png"]))).width > 500


def test_the_output_of_a_widget_is_not_stored(executed):
    assert outputs(executed)[5] == []


def test_no_times_are_stored(executed):
    assert all("execution" not in cell.metadata for cell in read(executed).cells)


def test_executing_and_checking_again_find_nothing_new(executed):
    before = executed.read_text(encoding="utf-8")
    fresh = run(executed, read(executed))
    assert compare(executed, read(executed), fresh) == []               # although the number of the process differs
    timing = next(cell for cell in fresh.cells if "timing" in cell.metadata.get("tags", []))
    timing.outputs = outputs(executed)[2]
    assert text_of(fresh) == before


@pytest.mark.parametrize(("source", "message"), [
    ("1 / 0", r"toy\.ipynb, cell 2 \('1 / 0'\) fails with ZeroDivisionError: division by zero"),
    ("from ipywidgets import interact\ninteract(lambda n: 1 / n, n=(0, 0, 1))",
     r"toy\.ipynb has a widget whose function fails with ZeroDivisionError"),
])
def test_a_cell_or_a_widget_that_fails_is_named_and_nothing_is_written(tmp_path, source, message):
    path = toy(tmp_path / "toy.ipynb", code(source))
    before = path.read_bytes()
    with pytest.raises(NotebookError, match=message):
        execute(path)
    assert path.read_bytes() == before


def changed(executed, tmp_path, old, new):
    """The stored toy with a text replaced, under its own name."""
    stored = executed.read_text(encoding="utf-8")
    assert old in stored
    path = tmp_path / executed.name
    path.write_text(stored.replace(old, new), encoding="utf-8")
    return path


def test_the_first_line_that_differs_is_named(executed, tmp_path):
    path = changed(executed, tmp_path, '"two\\n"', '"deux\\n"')
    sentence, = compare(path, read(path), read(executed))
    assert sentence.startswith("toy.ipynb, cell 3 (\"print('one'); ")
    assert "stores 'deux', a clean kernel gives 'two'" in sentence


def test_an_output_that_is_missing_or_too_many_is_a_difference(executed):
    full, less = read(executed), read(executed)
    less.cells[2].outputs = []
    for stored, fresh, expected in ((less, full, "stores nothing more, a clean kernel gives 'one'"),
                                    (full, less, "stores 'one', a clean kernel gives nothing more")):
        sentence, = compare(executed, stored, fresh)
        assert expected in sentence


def test_a_missing_picture_and_a_changed_description_are_differences(executed, tmp_path):
    for old, new in (('"image/png": "', '"image/jpeg": "'), ("<picture: a curve>", "<picture: another>")):
        path = changed(executed, tmp_path, old, new)
        assert len(compare(path, read(path), read(executed))) == 1


def test_cells_tagged_timing_are_not_compared(executed, tmp_path):
    number = outputs(executed)[2][0].data["text/plain"]
    path = changed(executed, tmp_path, f'"{number}"', '"another"')
    assert compare(path, read(path), read(executed)) == []


@pytest.mark.parametrize(("old", "new", "message"), [
    ('"nbformat_minor": 5', '"nbformat_minor": 4', "format 4.4, expected 4.5"),
    ('"nbformat": 4', '"nbformat": ', "cannot be read as a notebook"),
    ('"cell_type": "code"', '"cell_type": "cod"', "cannot be read as a notebook"),
])
def test_a_file_that_is_no_notebook_is_refused_in_a_sentence(executed, tmp_path, old, new, message):
    sentence, = check(changed(executed, tmp_path, old, new))
    assert message in sentence
    assert "\n" not in sentence


def test_a_large_notebook_is_refused(tmp_path):
    path = toy(tmp_path / "toy.ipynb", code("#" * 400_000))
    assert "has 401 kB, expected less than 400" in check(path)[0]


def png(colour, **options):
    content = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(content, "png", **options)
    return b64encode(content.getvalue()).decode()


def picture(content):
    return [new_output("display_data", data={"image/png": content})]


def test_a_picture_is_replaced_only_if_it_looks_different():
    old, same, other = png("red", compress_level=0), png("red", compress_level=9), png("blue")
    assert old != same
    for fresh, expected in ((picture(same), old), (picture(other), other)):
        keep_pictures(picture(old), fresh)
        assert fresh[0].data["image/png"] == expected
