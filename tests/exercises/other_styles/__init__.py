"""Right answers in other styles than the solutions, a file for each notebook; named EXERCISE_by_SOMETHING."""
