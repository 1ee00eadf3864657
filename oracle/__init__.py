"""The other implementations, as oracles for tests and benchmarks; never part of the package."""
