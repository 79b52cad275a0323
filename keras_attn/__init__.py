"""Attention models that you can train, look into, trust and serve."""

from keras_attn._lazy import attach

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        name: name
        for name in (
            "data decoding errors export layers models ops plots recipes shapes testing text training".split()
        )
    },
)
