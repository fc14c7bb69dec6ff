"""What a run would need, before it starts: a look at a sample, the sizes that follow, a moment of the real kernel."""
