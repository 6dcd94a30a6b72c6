"""Atomic writing, locks, journals of unfinished jobs, and checks that an output is free."""
