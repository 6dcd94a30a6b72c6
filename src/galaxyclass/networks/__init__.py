"""Encoders, heads and whole networks in torch."""
