"""Which galaxies there are: ids, images, targets and parts, read from a table or folders."""
