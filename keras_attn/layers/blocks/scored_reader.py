"""Any `Attention` in the place of the heads that read the memory in a Transformer's decoder."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.layers.attention import Attention


@keras.saving.register_keras_serializable("keras_attn")
class ScoredReader(keras.layers.Layer):
    """y_q = c_q W^O, with c_q = attention(query_q, memory): one head, whatever scores, weighs and limits it.

    Keys come already projected by `attention.project_key`, once for each source.

    Args:
        attention: an `Attention`.

    Source: the layer's place: Vaswani et al. 2017, section 3.2.3.
    """

    heads = 1

    def __init__(self, attention: Attention, **kwargs: Any):
        super().__init__(**kwargs)
        self.attention = attention

    def build_projected(self, query_shape: Any, memory_shape: dict) -> None:
        """Build what is used with keys that are already projected."""
        if not self.attention.built:
            self.attention.build_projected(query_shape, memory_shape["key"])
        self.project_output = keras.layers.Dense(query_shape[-1], dtype=self.dtype_policy, name="output")
        self.project_output.build(memory_shape["value"])
        self.built = True

    def read(
        self,
        query: Any,
        memory: dict[str, Any],
        mask: Any = None,
        query_position: Any = None,
        training: bool | None = None,
    ) -> tuple[Any, Any]:
        """Look into a memory.

        Args:
            query: (batch, query_length, query_features).
            memory: `{"key": (batch, key_length, units), "value": (batch, key_length, features)}`.
            mask: booleans broadcastable to (batch, query_length, key_length), or None.
            query_position: (query_length,) integers, for a window.

        Returns:
            Output (batch, query_length, query_features), weights (batch, 1, query_length, key_length).
        """
        context, weights = self.attention.read(
            query, memory["key"], memory["value"], mask, query_position, training=training
        )
        return self.project_output(context), ops.expand_dims(weights, 1)

    def get_config(self) -> dict:
        return {**super().get_config(), "attention": keras.saving.serialize_keras_object(self.attention)}

    @classmethod
    def from_config(cls, config: dict) -> ScoredReader:
        return cls(**{**config, "attention": keras.saving.deserialize_keras_object(config["attention"])})
