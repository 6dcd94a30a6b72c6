"""Finetuning: from a model and a few labels to a model of these labels."""
