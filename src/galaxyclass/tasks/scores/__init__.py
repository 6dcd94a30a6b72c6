"""How good predictions are: errors of vote fractions, accuracy of classes, with intervals."""
