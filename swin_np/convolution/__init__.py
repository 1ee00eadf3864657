"""The ground of the convolutional systems: what torch.nn.functional and torch.nn would have given."""
