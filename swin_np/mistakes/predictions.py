"""Wrong predictions: what the number, the shape or the stages would be by a common misunderstanding."""

from swin_np.mistakes.mistake import NOWHERE, mistake

QUESTIONS = "swin_np.exercises.predictions"


@mistake(f"{QUESTIONS}.windows_after_the_shift", place="section 3.2, Fig. 2", modules=NOWHERE,
         says="These are the windows of the regular partition, 8 along each side; without a cyclic shift the border "
              "cuts some in two.",
         fix="Write down where the cuts along one side are, the border included, and count the pieces between them.")
def windows_as_before_the_shift() -> int:
    return 64


@mistake(f"{QUESTIONS}.windows_after_the_shift", place="section 3.2, Fig. 2", modules=NOWHERE,
         says="The windows are shifted along one axis only.",
         fix="Shift along rows and columns: both sides are cut at the same places.")
def windows_shifted_along_one_axis() -> int:
    return 72


@mistake(f"{QUESTIONS}.windows_after_the_shift", place="section 3.2, Fig. 2", modules=NOWHERE,
         says="A single window is added to those of the regular partition, as if what sticks out went into one.",
         fix="Count the pieces along one side, and take the square of that.")
def one_window_more() -> int:
    return 65


@mistake(f"{QUESTIONS}.windows_after_the_shift", place="section 3.2, Fig. 2", modules=NOWHERE,
         says="There is one window too many along each side: the first and the last one are two halves of what was "
              "one.",
         fix="Count the pieces along a side that is cut at 3, 10, 17 and so on up to 52.")
def a_window_more_at_every_border() -> int:
    return 100


@mistake(f"{QUESTIONS}.windows_after_the_shift", place="section 3.2, Fig. 2", modules=NOWHERE,
         says="Only whole windows are counted; the pieces at the border are windows too, of fewer tokens.",
         fix="Count the pieces at the border too.")
def whole_windows_alone() -> int:
    return 49


@mistake(f"{QUESTIONS}.map_of_the_third_stage", place="section 3.1, Fig. 3a", modules=NOWHERE,
         says="This is the second stage's map, behind one patch merging.",
         fix="Merge once before each stage but the first, so twice before the third.")
def map_of_the_second_stage() -> tuple[int, int, int]:
    return (56, 84, 192)


@mistake(f"{QUESTIONS}.map_of_the_third_stage", place="section 3.1, Fig. 3a", modules=NOWHERE,
         says="This is the fourth stage's map, behind three patch mergings.",
         fix="Merge once before each stage but the first, so twice before the third.")
def map_of_the_fourth_stage() -> tuple[int, int, int]:
    return (14, 21, 768)


@mistake(f"{QUESTIONS}.map_of_the_third_stage", place="section 3.1, Fig. 3a", modules=NOWHERE,
         says="The map has the right size, but its channels are those of the first stage.",
         fix="Double the channels at each patch merging.")
def channels_that_stay() -> tuple[int, int, int]:
    return (28, 42, 96)


@mistake(f"{QUESTIONS}.map_of_the_third_stage", place="section 3.1, Fig. 3a", modules=NOWHERE,
         says="The four neighbours are concatenated, but the linear layer behind that reduces 4C to 2C.",
         fix="Double the channels at each patch merging.")
def channels_times_four() -> tuple[int, int, int]:
    return (28, 42, 1536)


@mistake(f"{QUESTIONS}.map_of_the_third_stage", place="section 3.1, Fig. 3a", modules=NOWHERE,
         says="Height and width are exchanged.",
         fix="Give the height first, then the width.")
def width_before_height() -> tuple[int, int, int]:
    return (42, 28, 384)


@mistake(f"{QUESTIONS}.map_of_the_third_stage", place="section 3.1, Fig. 3a", modules=NOWHERE,
         says="The image is halved twice, but the patches of 4 x 4 pixels come before that.",
         fix="Divide the image's sides by 4 first, then by 2 for each patch merging.")
def patches_forgotten() -> tuple[int, int, int]:
    return (112, 168, 384)


@mistake(f"{QUESTIONS}.ratio_of_the_costs", place="section 3.2, Eq. 1 and 2", modules=NOWHERE,
         says="This is the ratio of the second terms, of the products with keys and values; the linear layers cost the "
              "same in both.",
         fix="Put numbers into both terms of equations 1 and 2, and divide the sums.")
def ratio_of_the_products_alone() -> float:
    return 64.0


@mistake(f"{QUESTIONS}.ratio_of_the_costs", place="section 3.2, Eq. 1 and 2", modules=NOWHERE,
         says="This is what W-MSA takes of what global attention takes.",
         fix="Divide equation 1 by equation 2.")
def ratio_the_other_way_round() -> float:
    return 145108992 / 2003828736


@mistake(f"{QUESTIONS}.ratio_of_the_costs", place="section 3.2, Eq. 1 and 2", modules=NOWHERE,
         says="This is the ratio of the sides of map and window.",
         fix="Put numbers into both terms of equations 1 and 2, and divide the sums.")
def ratio_of_the_sides() -> float:
    return 8.0


@mistake(f"{QUESTIONS}.ratio_of_the_costs", place="section 3.2, Eq. 1 and 2", modules=NOWHERE,
         says="A query of a window is counted with M keys instead of M^2.",
         fix="Put M^2 = 49 into the second term of equation 2.")
def side_for_area() -> float:
    return 2003828736 / (4 * 56 ** 2 * 96 ** 2 + 2 * 7 * 56 ** 2 * 96)


@mistake(f"{QUESTIONS}.ratio_of_the_costs", place="section 3.2, Eq. 1 and 2", modules=NOWHERE,
         says="The linear layers are counted in global attention and not in W-MSA.",
         fix="Count queries, keys, values and the projection in both.")
def ratio_without_the_linear_layers_of_one() -> float:
    return 2003828736 / (2 * 49 * 56 ** 2 * 96)


@mistake(f"{QUESTIONS}.masked_share", place="section 3.2, Fig. 4", modules=NOWHERE,
         says="This is the share of the pairs that are allowed.",
         fix="Subtract it from 1.")
def share_of_allowed_pairs() -> float:
    return 0.5625


@mistake(f"{QUESTIONS}.masked_share", place="section 3.2, Fig. 4", modules=NOWHERE,
         says="This is the share of the windows in which anything is masked; in none of them everything is.",
         fix="Count the pairs in each of the four kinds of window, 256 in each.")
def share_of_windows_with_a_mask() -> float:
    return 0.75


@mistake(f"{QUESTIONS}.masked_share", place="section 3.2, Fig. 4", modules=NOWHERE,
         says="The corner's window is counted with two regions; four meet there.",
         fix="Count the corner's window with four regions of 2 x 2 tokens.")
def corner_of_two_regions() -> float:
    return 0.375


@mistake(f"{QUESTIONS}.masked_share", place="section 3.2, Fig. 4", modules=NOWHERE,
         says="Only the corner's window is counted as masked.",
         fix="Count the windows of the last row and of the last column too, where two regions meet.")
def corner_alone() -> float:
    return 0.1875


@mistake(f"{QUESTIONS}.masked_share", place="section 3.2, Fig. 4", modules=NOWHERE,
         says="Only the windows with two regions are counted.",
         fix="Count the corner's window too, where four regions meet.")
def half_of_each_masked_window() -> float:
    return 0.25


@mistake(f"{QUESTIONS}.keys_of_the_corner", place="section 3.2, Fig. 2 and 4", modules=NOWHERE,
         says="After the roll the token shares its window with tokens of the other borders, but the mask forbids "
              "those.",
         fix="Count the tokens that lie in the same piece of the shifted partition of the paper's second figure.")
def corner_sees_a_whole_window() -> int:
    return 49


@mistake(f"{QUESTIONS}.keys_of_the_corner", place="section 3.2, Fig. 2 and 4", modules=NOWHERE,
         says="This is the piece at the bottom right, M - shift tokens wide.",
         fix="Count the piece at the top left, from the border up to the first cut, which is at 3.")
def corner_of_what_is_left_of_the_window() -> int:
    return 16


@mistake(f"{QUESTIONS}.keys_of_the_corner", place="section 3.2, Fig. 2 and 4", modules=NOWHERE,
         says="The window is cut along one side only.",
         fix="Cut it along rows and columns: the first cut is at 3 on both.")
def corner_of_one_side_cut() -> int:
    return 21


@mistake(f"{QUESTIONS}.keys_of_the_corner", place="section 3.2, Fig. 2 and 4", modules=NOWHERE,
         says="One side is counted up to the first cut, the other from there on.",
         fix="Take the same first piece along rows and along columns.")
def corner_of_both_parts() -> int:
    return 12


@mistake(f"{QUESTIONS}.keys_of_the_corner", place="section 3.2, Fig. 2 and 4", modules=NOWHERE,
         says="The token is counted alone, but the piece at the corner has others too.",
         fix="Count the piece from the border up to the first cut, which is at 3, along both sides.")
def corner_sees_itself_alone() -> int:
    return 1


@mistake(f"{QUESTIONS}.tokens_within_two_blocks", place="section 3.2, Eq. 3", modules=NOWHERE,
         says="This is what one block alone sees.",
         fix="Ask of each token of the shifted window what it had seen in the block before.")
def reach_of_one_block() -> int:
    return 49


@mistake(f"{QUESTIONS}.tokens_within_two_blocks", place="section 3.2, Eq. 3", modules=NOWHERE,
         says="A shifted window reaches over two regular windows along each side, so over more than two in all.",
         fix="Count the regular windows that a shifted one overlaps: two along rows times two along columns.")
def reach_of_two_windows() -> int:
    return 98


@mistake(f"{QUESTIONS}.tokens_within_two_blocks", place="section 3.2, Eq. 3", modules=NOWHERE,
         says="The reach is counted as M + shift, but a regular window that is touched is seen as a whole.",
         fix="Count the whole regular windows that the shifted one overlaps.")
def reach_of_window_and_shift() -> int:
    return 100


@mistake(f"{QUESTIONS}.tokens_within_two_blocks", place="section 3.2, Eq. 3", modules=NOWHERE,
         says="A regular window and all eight around it are counted; a shifted window overlaps two along each side.",
         fix="Count the regular windows that the shifted one overlaps.")
def reach_to_all_neighbours() -> int:
    return 441


@mistake(f"{QUESTIONS}.tokens_within_two_blocks", place="section 3.2, Eq. 3", modules=NOWHERE,
         says="This is the whole map, which two blocks do not see.",
         fix="Count the regular windows that the shifted one overlaps.")
def reach_of_the_whole_map() -> int:
    return 3136


@mistake(f"{QUESTIONS}.numbers_in_bias_tables", place="section 3.2, Eq. 4", modules=NOWHERE,
         says="This is the table of one head.",
         fix="Multiply by the number of heads.")
def table_of_one_head() -> int:
    return 169


@mistake(f"{QUESTIONS}.numbers_in_bias_tables", place="section 3.2, Eq. 4", modules=NOWHERE,
         says="This is one number for each token of a window and head, but the bias depends on how far two tokens are "
              "apart.",
         fix="Count the displacements along one axis, from -(M-1) to M-1, take the square, and multiply by the heads.")
def table_of_tokens() -> int:
    return 147


@mistake(f"{QUESTIONS}.numbers_in_bias_tables", place="section 3.2, Eq. 4", modules=NOWHERE,
         says="This is one number for each pair of tokens and head, but pairs at the same displacement share theirs.",
         fix="Count the displacements along one axis, from -(M-1) to M-1, take the square, and multiply by the heads.")
def table_of_all_pairs() -> int:
    return 7203


@mistake(f"{QUESTIONS}.numbers_in_bias_tables", place="section 3.2, Eq. 4", modules=NOWHERE,
         says="There are 2M displacements counted along an axis, one too many.",
         fix="Count them from -(M-1) to M-1.")
def table_of_2m() -> int:
    return 588


@mistake(f"{QUESTIONS}.numbers_in_bias_tables", place="section 3.2, Eq. 4", modules=NOWHERE,
         says="Displacements along one axis only are counted.",
         fix="Take the square of their number, for rows and columns, and multiply by the heads.")
def table_of_one_axis() -> int:
    return 39


@mistake(f"{QUESTIONS}.stages_that_shift", place="section 3.1, Fig. 3a", modules=NOWHERE,
         says="The last stage's map is a single window, so there is nothing to shift over.",
         fix="Compare each stage's map with M = 7, and leave out one that is no larger.")
def all_stages_shift() -> tuple[int, ...]:
    return (1, 2, 3, 4)


@mistake(f"{QUESTIONS}.stages_that_shift", place="section 3.1, Fig. 3a", modules=NOWHERE,
         says="It is the blocks that shift in turn, within each stage.",
         fix="Compare each stage's map with M = 7: those with a larger one shift in every second block.")
def every_second_stage_shifts() -> tuple[int, ...]:
    return (2, 4)


@mistake(f"{QUESTIONS}.stages_that_shift", place="section 3.1, Fig. 3a", modules=NOWHERE,
         says="It needs two blocks to shift, not six.",
         fix="Compare each stage's map with M = 7: those with a larger one shift in every second block.")
def the_deep_stage_shifts() -> tuple[int, ...]:
    return (3,)


@mistake(f"{QUESTIONS}.stages_that_shift", place="section 3.1, Fig. 3a", modules=NOWHERE,
         says="The stages are counted from 0.",
         fix="Count the stages from 1 on, as the paper does.")
def stages_counted_from_0() -> tuple[int, ...]:
    return (0, 1, 2)


@mistake(f"{QUESTIONS}.stages_that_shift", place="section 3.1, Fig. 3a", modules=NOWHERE,
         says="The first stage has two blocks like the second, of which one shifts.",
         fix="Compare each stage's map with M = 7: those with a larger one shift in every second block.")
def the_first_stage_does_not_shift() -> tuple[int, ...]:
    return (2, 3)
