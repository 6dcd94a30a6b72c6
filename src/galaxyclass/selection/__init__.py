"""Which galaxies to label next: undecided, strange, likely or unlike the labelled ones."""
