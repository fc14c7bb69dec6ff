"""What is learnt from, where it is more than the text itself."""
