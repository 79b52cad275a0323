"""NumPy in, matplotlib figure out; no global state, so that plots can be drawn from any thread."""

from keras_attn._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__, {"by_length": "score_by_length", "heatmap": "attention_heatmap"}
)
