"""Files to batches: pairs of text, encoded once, planned in NumPy, served by `tf.data`."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
