"""The options that suit a text and a question best: random search, and the losers leave early."""
