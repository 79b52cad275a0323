"""Comparisons that anyone can regenerate: `keras-attn bench`."""
