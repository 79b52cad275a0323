"""Models: wiring of layers in the functional API, no mathematics of their own."""

from keras_attn._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Encoding": "encoding",
        "RNNDecoder": "decoders.rnn",
        "RNNEncoder": "encoders.rnn",
        "Views": "views",
        "seq2seq": "compose",
    },
)
