"""Why a model says what it says, and whether to believe it."""
