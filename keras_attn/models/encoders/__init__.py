"""Encoders: source ids -> Encoding."""
