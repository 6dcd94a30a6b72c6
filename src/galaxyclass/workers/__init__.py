"""Work in threads and processes, in order and in bounded memory."""
