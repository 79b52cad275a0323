"""Cells of recurrent decoders: (token, states) -> (output, states)."""
