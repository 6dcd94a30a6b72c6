"""Encoders, heads, networks, losses and augmentation in torch."""
