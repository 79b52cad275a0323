"""Strings to ids and back, the same in Python, in `tf.data` and inside a SavedModel."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
