"""The walkthrough; `python -m notebooks.publish --help` says how its notebooks are run, checked and made into pages."""
