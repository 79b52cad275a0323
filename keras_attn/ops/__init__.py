"""The mathematics of attention without weights: `keras.ops` in, `keras.ops` out."""

from keras_attn._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__, {"additive": "scores", "causal": "masks", "both": "masks", "softmax": "weights", "read": "weights"}
)
