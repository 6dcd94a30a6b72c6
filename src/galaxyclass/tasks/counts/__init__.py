"""Tasks and targets of counts: how many volunteers gave each answer of a tree."""
