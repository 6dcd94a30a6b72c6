"""Reports: what a model is worth, or what is in a folder, in numbers, figures and one page."""
