"""NumPy in, matplotlib figure out; no global state, so that plots can be drawn from any thread."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
