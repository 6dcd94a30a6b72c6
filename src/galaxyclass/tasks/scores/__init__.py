"""Scores of predictions: errors of vote fractions, accuracy of classes, with intervals."""
