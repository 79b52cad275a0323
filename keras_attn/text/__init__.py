"""Strings to ids and back, the same in Python, in `tf.data` and inside a SavedModel."""

from keras_attn._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, {"Tokenizer": "tokenizer", "Vocabulary": "vocabulary"})
