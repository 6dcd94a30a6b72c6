"""What the documentation makes while it is built: pages from the parser, docstrings and files."""
