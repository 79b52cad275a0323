"""The mathematics of attention without weights: `keras.ops` in, `keras.ops` out."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
