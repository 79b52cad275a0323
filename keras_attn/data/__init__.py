"""Files to batches: pairs of text, encoded once, planned in NumPy, served by `tf.data`."""

from keras_attn._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "BatchPlan": "batch_plan",
        "Dates": "dates",
        "EncodedPairs": "encoded",
        "Pair": "pairs",
        "Pairs": "pairs",
        "Report": "report",
        "batches": "batching",
        "hold_out": "split",
        "read_pairs": "pairs",
    },
)
