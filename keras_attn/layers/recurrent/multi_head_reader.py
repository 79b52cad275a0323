"""Multi-head attention in the place of one attention beside a recurrent cell."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.layers.multi_head import MultiHeadAttention
from keras_attn.layers.weighing.softmax import SoftmaxWeighing
from keras_attn.ops import heads


@keras.saving.register_keras_serializable("keras_attn")
class MultiHeadReader(keras.layers.Layer):
    """What `AttentionCell` and `LuongCell` ask of an `Attention`, answered by h heads.

    Keys and values are projected once for each source, their heads side by side; the weights that come out are the
    mean over heads.

    Args:
        heads: h, number of heads.
        head_dim: width of one head's query, key and value.
        project_key, project_value: the layers that are W^K and W^V, to share them; made here if None.

    Source: Vaswani et al. 2017, section 3.2.2; beside a recurrent state: Chen et al. 2018, "The Best of Both Worlds".
    """

    window = None

    def __init__(
        self,
        heads: int,
        head_dim: int,
        project_key: keras.layers.Layer | None = None,
        project_value: keras.layers.Layer | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.heads = heads
        self.head_dim = head_dim
        self.weighing = SoftmaxWeighing(dtype=self.dtype_policy)
        self.attention = MultiHeadAttention(heads, head_dim, use_bias=False, dtype=self.dtype_policy)
        dense = {"units": heads * head_dim, "use_bias": False, "dtype": self.dtype_policy}
        self.project_key = self.attention.project_key = project_key or keras.layers.Dense(**dense, name="key")
        self.project_value = self.attention.project_value = project_value or keras.layers.Dense(**dense, name="value")

    def build_projected(self, query_shape: Any, key_shape: Any) -> None:
        """Build what is used with keys and values that are already projected."""
        self.attention.build_query(query_shape)
        self.units = query_shape[-1]
        self.built = True

    def context_size(self, memory_shape: dict) -> int:
        """Width of what is read: the query's."""
        return self.units

    def read(self, query: Any, key: Any, value: Any, mask: Any = None, training: bool | None = None) -> tuple[Any, Any]:
        """Look into a memory whose keys and values are already projected.

        Args:
            query: (batch, query_length, query_features).
            key, value: (batch, key_length, heads * head_dim), projected.
            mask: booleans broadcastable to (batch, query_length, key_length), or None.

        Returns:
            Output (batch, query_length, query_features), weights (batch, query_length, key_length).
        """
        batch, length = ops.shape(key)[:2]
        apart = (batch, length, self.heads, self.head_dim)
        memory = {name: heads.first(ops.reshape(x, apart)) for name, x in (("key", key), ("value", value))}
        output, weights = self.attention.read(query, memory, mask, training=training)
        return output, ops.mean(weights, axis=1)

    def get_config(self) -> dict:
        # As with the key of a `Scoring`: in a model both are also layers of their own, ahead of the decoder.
        shared = {
            name: keras.saving.serialize_keras_object(getattr(self, name)) for name in ("project_key", "project_value")
        }
        return {**super().get_config(), "heads": self.heads, "head_dim": self.head_dim, **shared}

    @classmethod
    def from_config(cls, config: dict) -> MultiHeadReader:
        shared = {
            name: keras.saving.deserialize_keras_object(config[name]) for name in ("project_key", "project_value")
        }
        return cls(**{**config, **shared})
