"""What is predicted: vote fractions on a decision tree, or classes."""
