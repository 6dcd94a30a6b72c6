"""Tasks and targets of numbers: one or several measured quantities of each galaxy."""
