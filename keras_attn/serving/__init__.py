"""A server that speaks the TensorFlow Serving API over any SavedModel on disk; for development and small loads."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
