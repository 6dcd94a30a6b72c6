"""Losses with masks for unknown targets; tensors only."""
