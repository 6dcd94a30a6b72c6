"""Tasks and targets of classes: one class for each galaxy."""
