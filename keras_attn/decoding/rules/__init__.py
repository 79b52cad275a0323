"""What an output must be like: pure functions of what has been said so far."""
