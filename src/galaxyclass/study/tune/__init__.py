"""A search for the best settings of a recipe: each trial is a training in its own process."""
