"""What `check` says from data: titles, outcomes, the names of calls and axes, sentences on where a result is wrong."""

from swin_np.exercises.axes import PLURALS
from swin_np.exercises.calls import PROPERTIES
from swin_np.exercises.checking import BLANK
from swin_np.exercises.climbing import FLOAT32, GOLDEN, PREDICTION, RANDOM, SAME_SIZES, TOY
from swin_np.exercises.comparing import KINDS
from swin_np.exercises.picture import EXPECTED, GOT
from swin_np.exercises.places import BORDERS, GRIDS, PARTS, SQUARE
from swin_np.exercises.registry import EXERCISES
from swin_np.exercises.result import ERROR, FOLLOWED, NOT_IMPLEMENTED, RIGHT, WRONG
from swin_np.exercises.sealing import BEYOND
from swin_np.exercises.so_far import INSTEAD
from swin_np.exercises.way import GIVEN, GIVEN_BY_A_LAYER, GIVES, LAYERS, OF, WORDS

SAID = [*(exercise.title for exercise in EXERCISES.values()), RIGHT, FOLLOWED, WRONG, ERROR, NOT_IMPLEMENTED, BLANK,
        TOY, PREDICTION, RANDOM, SAME_SIZES, FLOAT32, GOLDEN, BEYOND, *KINDS.values(), EXPECTED, GOT,
        *(said for said, _ in PROPERTIES), *PLURALS, *PLURALS.values(), *PARTS, *BORDERS, *GRIDS, *SQUARE,
        *WORDS.values(), *LAYERS.values(), GIVEN, GIVEN_BY_A_LAYER, GIVES, OF, *INSTEAD.values(),
        *(name for exercise in EXERCISES.values() if exercise.inside for name in exercise.inside(*exercise.toy()))]
