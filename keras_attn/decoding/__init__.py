"""Search over a model's `step`: a callable and dicts go in; ids and scores come out."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
