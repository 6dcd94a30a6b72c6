"""What a model is on disk: a manifest and weights, checked when they are loaded; never code."""
