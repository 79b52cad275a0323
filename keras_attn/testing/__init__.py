"""The conformance suite: prove a layer or a model of your own with what proves ours."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
