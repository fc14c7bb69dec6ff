"""What a run would need, before it starts: a look at a sample, the sizes that follow, half a second of the real kernel."""
