"""Mistakes that real ports of Swin make: one list, for the diagnosis of a port, the exercises and the tests."""
