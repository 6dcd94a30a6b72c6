"""One class for each galaxy: what is known of galaxies, and what a model predicts."""
