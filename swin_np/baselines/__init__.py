"""The systems that the paper and its readers compare Swin with, one file each, on the same layers."""
