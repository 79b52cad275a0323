"""Strings in, strings out: a model with its tokenizer and its search, in process or as a SavedModel."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
