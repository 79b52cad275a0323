"""Attention layers, one per file: each owns its weights and calls `ops`."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
