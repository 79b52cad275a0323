"""Training with `model.fit`: losses, metrics, schedules, callbacks, and scores of decoded text."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
