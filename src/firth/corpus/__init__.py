"""Corpus stage: where data comes from."""
