"""Labels that people gave on the page of `serve`: what was asked, what was answered, as a table."""
