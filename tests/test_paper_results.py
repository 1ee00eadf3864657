"""The paper's tables as data: they agree with what the library counts, with each other, and where not, it is known."""

from dataclasses import astuple

import pytest

from swin_np import SYSTEMS
from swin_np.costs import total
from swin_np.paper_results import (
    METRICS,
    TABLE_1,
    TABLE_2,
    TABLE_2_FRAMEWORKS,
    TABLE_3,
    TABLE_4,
    TABLE_5,
    TABLE_6,
    TABLE_8,
)
from swin_np.systems.registry import layer_costs

OTHERWISE = {                                          # printed in Table 1, and what the library counts
    ("Swin-T", "parameters"): (29, 28), ("DeiT-B", "parameters"): (86, 87), ("DeiT-B 384", "parameters"): (86, 87),
    ("ViT-B/16 384", "parameters"): (86, 87), ("ViT-L/16 384", "parameters"): (307, 305),
    ("DeiT-B", "multiply_adds"): (17.5, 17.6), ("DeiT-B 384", "multiply_adds"): (55.4, 55.5),
    ("ViT-B/16 384", "multiply_adds"): (55.4, 55.5), ("ViT-L/16 384", "multiply_adds"): (190.7, 191.1),
    ("Swin-B 384", "multiply_adds"): (47.0, 47.1), ("Swin-L 384", "multiply_adds"): (103.9, 104.0),
}


def counted(row):
    """Parameters in millions and multiply-adds in G of a row of Table 1, by the library, as the paper rounds them."""
    cost = total(layer_costs(SYSTEMS[row.system], (row.side, row.side)))
    return {"parameters": round(cost.parameters / 1e6), "multiply_adds": round(cost.multiply_adds / 1e9, 1)}


def test_table_1_is_what_the_library_counts_to_every_digit_but_for_the_known_ones():
    differing = {(row.name, field): (getattr(row, field), value) for row in TABLE_1
                 for field, value in counted(row).items() if getattr(row, field) != value}
    assert differing == OTHERWISE


@pytest.mark.parametrize(("system", "name", "size", "within"), [
    ("upernet_swin_t", "Swin-T", (512, 2048), 0.001), ("upernet_swin_s", "Swin-S", (512, 2048), 0.001),
    ("upernet_swin_b", "Swin-B", (640, 2560), 0.002)])
def test_table_3_counts_images_four_times_as_wide_as_high_and_a_million_parameters_more(system, name, size, within):
    row = next(row for row in TABLE_3 if row.name == name)
    cost = total(layer_costs(SYSTEMS[system], size))
    assert cost.multiply_adds / 1e9 == pytest.approx(row.multiply_adds, rel=within)
    assert 0.5 < row.parameters - cost.parameters / 1e6 < 1.5           # the head that helps in training only


def test_a_swin_t_means_the_same_in_every_table():
    first = {row.name: row for row in TABLE_1 if row.pretraining == "ImageNet-1K"}
    full = TABLE_4["shift, relative bias"]
    detector = next(row for row in TABLE_2 if row.name == "Swin-T")
    assert full == TABLE_6["shifted window"]
    assert full[METRICS.index("top-1")] == first["Swin-T"].top_1 == TABLE_8["Swin-T"][0][2]
    assert (full[2], full[3]) == (detector.box_ap, detector.mask_ap)
    assert full[4] == next(row for row in TABLE_3 if row.name == "Swin-T").miou
    r50 = next(row for row in TABLE_2 if row.name == "R-50")
    assert TABLE_2_FRAMEWORKS["Cascade Mask R-CNN"] == (r50.box_ap, detector.box_ap)
    cyclic = next(row for row in TABLE_5 if row.name == "shifted, cyclic")
    assert cyclic.images_per_second == tuple(round(first[f"Swin-{size}"].images_per_second) for size in "TSB")
    assert [speed for _, speed, _ in TABLE_8["Swin-B"]] == [
        first["Swin-B"].images_per_second, first["Swin-B 384"].images_per_second]


def test_swin_b_has_two_accuracies_in_one_paper():
    first = {row.name: row.top_1 for row in TABLE_1 if row.pretraining == "ImageNet-1K"}
    assert first["Swin-B"] - TABLE_8["Swin-B"][0][2] == pytest.approx(0.2)


def test_every_row_of_tables_4_and_6_has_all_columns():
    assert {len(row) for row in (*TABLE_4.values(), *TABLE_6.values())} == {len(METRICS)}


def test_a_name_tells_the_side_of_the_image_unless_it_is_224():
    assert all(row.side == (384 if row.name.endswith(" 384") else 224) for row in TABLE_1)


def test_masks_are_found_six_to_seven_points_less_often_than_boxes():
    assert all(6 < row.box_ap - row.mask_ap < 7.2 for row in TABLE_2)


def test_accuracies_are_percentages_and_costs_are_positive():
    for row in (*TABLE_1, *TABLE_2, *TABLE_3):
        numbers = [value for value in astuple(row) if not isinstance(value, str)]
        assert min(numbers) > 0
    assert all(70 < row.top_1 < 90 for row in TABLE_1)
