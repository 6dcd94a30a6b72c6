"""Writing whole or not at all, locks, journals of unfinished jobs, and outputs that are free."""
