"""Tasks and targets of votes: vote fractions on a decision tree."""
