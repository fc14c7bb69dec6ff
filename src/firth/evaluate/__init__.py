"""How good vectors are: analogies, and similarity as people rate it."""
