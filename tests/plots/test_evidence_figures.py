"""The charts of the paper's tables: every row is where its numbers are, every difference is that of the numbers."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from swin_np.errors import InputError
from swin_np.paper_results import METRICS, TABLE_1, TABLE_2, TABLE_3, TABLE_4, TABLE_5, TABLE_6
from swin_np.plots.evidence import (
    accuracy_by_cost,
    attention_speed,
    dense_results,
    differences,
    no_room,
    table_of_differences,
)
from swin_np.plots.style import BLUE, ORANGE, WHITE


def marks(axes):
    """The places of the marks of a panel, and the names beside them."""
    return ([(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines],
            [text.get_text() for text in axes.texts])


def test_every_row_of_table_1_has_its_mark_and_name_in_both_panels():
    work, speed = accuracy_by_cost(TABLE_1).axes
    assert marks(work) == ([(row.multiply_adds, row.top_1) for row in TABLE_1], [row.name for row in TABLE_1])
    assert marks(speed)[0] == [(row.images_per_second, row.top_1) for row in TABLE_1]
    for axes in (work, speed):                         # nothing lies outside of a panel
        (left, right), (x, _) = axes.get_xlim(), np.transpose(marks(axes)[0])
        assert left < x.min() and x.max() < right
    assert "multiply-adds" in work.get_xlabel() and "images a second" in speed.get_xlabel()


def test_models_that_saw_more_images_are_empty_and_swin_is_blue():
    for row, line in zip(TABLE_1, accuracy_by_cost(TABLE_1).axes[0].lines, strict=True):
        assert (to_hex(line.get_markerfacecolor()).upper() == WHITE) == (row.pretraining == "ImageNet-22K")
        assert (BLUE in (line.get_markerfacecolor(), line.get_markeredgecolor())) == (row.family == "Swin")


def test_detectors_and_segmenters_are_drawn_over_both_costs():
    panels = dense_results(TABLE_2, TABLE_3).axes
    assert marks(panels[0])[0] == [(row.multiply_adds, row.box_ap) for row in TABLE_2]
    assert marks(panels[1])[0] == [(row.frames_per_second, row.box_ap) for row in TABLE_2]
    assert marks(panels[2])[0] == [(row.multiply_adds, row.miou) for row in TABLE_3]
    assert marks(panels[3])[0] == [(row.frames_per_second, row.miou) for row in TABLE_3]
    assert ["multiply-adds" in axes.get_xlabel() for axes in panels] == [True, False] * 2
    assert ["frames a second" in axes.get_xlabel() for axes in panels] == [False, True] * 2
    assert "box AP" in panels[0].get_ylabel() and "mIoU" in panels[2].get_ylabel()


def test_a_name_goes_to_the_left_at_the_right_end_and_before_another_mark():
    left = {row.name for row in TABLE_2 if no_room(row, TABLE_2, "frames_per_second", "box_ap")}
    assert left == {"R-50", "Swin-T", "Swin-B"}        # Swin-B, since Swin-S is just behind it


def test_differences_are_those_of_the_paper_s_argument():
    by_name = dict(zip(TABLE_4, differences(TABLE_4, "shift, relative bias"), strict=True))
    assert by_name["without shift"].tolist() == [-1.1, -0.5, -2.8, -2.2, -2.8]
    against_none = dict(zip(TABLE_4, differences(TABLE_4, "no position"), strict=True))
    assert dict(zip(METRICS, against_none["absolute"], strict=True)) == {
        "top-1": 0.4, "top-5": 0.3, "box AP": -0.2, "mask AP": -0.2, "mIoU": -0.6}


def test_a_cell_has_the_value_and_the_difference_and_its_colour_has_the_sign():
    rows = {"reference": (50.0, 60.0), "other": (51.5, 57.0)}
    axes = table_of_differences(rows, ("a", "b"), "reference", "a table").axes[0]
    assert [text.get_text() for text in axes.texts] == ["50.0", "60.0", "51.5\n+1.5", "57.0\n-3.0"]
    colours = axes.images[0].get_array()
    assert (colours[0] == 1).all() and to_hex(colours[1, 1]).upper() == ORANGE
    assert colours[1, 0, 2] > colours[1, 0, 0]         # bluish: half of the largest
    assert [label.get_text() for label in axes.get_yticklabels()] == ["reference", "other"]


def test_a_missing_number_is_a_dash_without_a_colour():
    axes = table_of_differences(TABLE_6, METRICS, "shifted window", "Table 6").axes[0]
    performer = [text.get_text() for text in axes.texts][len(METRICS):2 * len(METRICS)]
    assert performer[2:] == ["-"] * 3
    assert (axes.images[0].get_array()[1, 2:] == 1).all()


def test_every_row_of_table_5_is_a_line_and_a_bar():
    stages, speed = attention_speed(TABLE_5).axes
    assert [tuple(line.get_ydata()) for line in stages.lines] == [row.milliseconds for row in TABLE_5]
    assert [bar.get_width() for bar in speed.patches] == [row.images_per_second[0] for row in TABLE_5]
    names = [row.name for row in TABLE_5]
    assert [text.get_text() for text in stages.get_legend().get_texts()] == names
    assert [label.get_text() for label in speed.get_yticklabels()] == names
    assert [line.get_color() == BLUE for line in stages.lines] == [name.startswith("shifted") for name in names]
    assert len({(line.get_linestyle(), line.get_marker()) for line in stages.lines}) == len(TABLE_5)


@pytest.mark.parametrize("draw", [lambda: accuracy_by_cost([]), lambda: dense_results(TABLE_2, []),
                                  lambda: attention_speed([])])
def test_no_rows_are_refused(draw):
    with pytest.raises(InputError, match="no rows to draw"):
        draw()


def test_a_reference_that_is_no_row_and_too_many_rows_are_refused():
    with pytest.raises(InputError, match="'full', which is none of the rows"):
        table_of_differences(TABLE_6, METRICS, "full", "")
    with pytest.raises(InputError, match="7 rows were given"):
        attention_speed([*TABLE_5, TABLE_5[0]])
