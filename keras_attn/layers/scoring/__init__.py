"""Scoring layers: (query, key) -> one number for each pair."""
