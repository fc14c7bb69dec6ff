"""Vectors and runs as pictures."""
