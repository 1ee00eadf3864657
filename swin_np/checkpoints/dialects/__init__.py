"""Names: how each public implementation calls the parameters of a model."""
