"""Checks of a folder of images and a table: everything that is wrong with them."""
