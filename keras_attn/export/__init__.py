"""Strings in, strings out: a model with its tokenizer and its search, in process or as a SavedModel."""

from keras_attn._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Alignment": "outputs",
        "Output": "outputs",
        "TextToText": "text_to_text",
        "compare": "parity",
        "load": "saved_model",
    },
)
