"""The built-in corpus: dates as people write them in many languages, their ISO 8601, and character spans."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
