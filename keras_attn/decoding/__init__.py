"""Search over a model's `step`: a callable and dicts go in; ids and scores come out."""

from keras_attn._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, {"Greedy": "greedy"})
