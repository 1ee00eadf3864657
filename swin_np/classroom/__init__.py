"""A class: what was handed in is found, run where it can do no harm, graded and reported."""
