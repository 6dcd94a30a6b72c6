"""Augmentation: random changes of a batch of cutouts."""
