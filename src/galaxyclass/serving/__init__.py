"""A page on the user's machine, and its JSON API: look, label, predict."""
