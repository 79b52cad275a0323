"""Training with `model.fit`: losses, metrics, schedules, callbacks, and scores of decoded text."""

from keras_attn._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Bleu": "bleu",
        "Evaluation": "evaluation",
        "ExactMatch": "exact_match",
        "InverseSquareRoot": "schedules",
        "LinearDecay": "schedules",
        "Perplexity": "metrics",
        "SmoothedCrossEntropy": "losses",
        "TokenCount": "metrics",
        "callbacks": "callbacks",
        "evaluate": "evaluation",
        "fit": "fitting",
    },
)
