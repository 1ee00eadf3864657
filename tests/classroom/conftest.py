"""The exercises are notebooks: without nbformat, which comes with Jupyter, there is nothing to test."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("nbformat") else ["test_*.py"]
