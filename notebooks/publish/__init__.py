"""The notebooks run from a clean kernel, checked against what they store, and made into pages and slides."""
