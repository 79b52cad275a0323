"""Decoders: (tokens, memory, state) -> logits, state, weights."""
