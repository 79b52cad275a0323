"""Where a token stands: added to the embedding (sine, learned), or part of attention (rotary, relative, T5, ALiBi)."""
