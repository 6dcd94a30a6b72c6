"""A folder of images and a table in, everything that is wrong with them out."""
