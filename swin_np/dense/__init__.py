"""What hierarchical feature maps are for: heads that predict something at every pixel, on any of the backbones."""
