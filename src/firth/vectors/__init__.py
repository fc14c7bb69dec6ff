"""The table of vectors and what one asks of it."""
