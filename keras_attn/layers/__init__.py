"""Attention layers, one per file: each owns its weights and calls `ops`."""

from keras_attn._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "AdditiveScoring": "scoring.additive",
        "Attention": "attention",
        "AttentionCell": "recurrent.attention_cell",
        "ContextCell": "recurrent.context_cell",
        "DeepOutput": "recurrent.deep_output",
        "MemoryCell": "recurrent.memory_cell",
        "Unroll": "recurrent.unroll",
    },
)
