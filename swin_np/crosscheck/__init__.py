"""The numerical cross-check of another implementation: what ours computes, step by step, to compare with."""
