"""Random changes of a whole batch of cutouts; tensors only."""
