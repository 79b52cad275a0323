"""The built-in corpus: dates as people write them in many languages, their ISO 8601, and character spans."""

from keras_attn._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Dates": "corpus",
        "DatePair": "corpus",
        "Spans": "corpus",
        "LOCALES": "locales",
        "Form": "form",
        "all_forms": "forms",
        "days_of": "split",
    },
)
