"""The JSON files beside a checkpoint, transformers' and timm's: what they tell of the model and of its images."""
