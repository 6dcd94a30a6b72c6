"""Vote fractions on a decision tree: what is known of galaxies, and what a model predicts."""
