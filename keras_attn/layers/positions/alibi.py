"""ALiBi: the farther a key, the lower its score, with a slope of its own in each head."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.layers.positions.attention_positions import AttentionPositions
from keras_attn.ops import distances


@keras.saving.register_keras_serializable("keras_attn")
class ALiBi(AttentionPositions):
    """e_qk = query_q . key_k / sqrt(d) - m_h |q - k|.

    Nothing is learned. The slopes are 1/2, 1/4 ... 1/256 for 8 heads (`ops.distances.slopes`). The paper looks back
    only; without a causal mask keys ahead are lowered in the same way.

    Source: Press, Smith, Lewis 2022, "Train Short, Test Long: Attention with Linear Biases", section 3.
    """

    def build(self, heads: int, head_dim: int, value_dim: int) -> None:
        self.slopes = distances.slopes(heads)
        self.built = True

    def score(self, query: Any, query_position: Any, key_position: Any) -> Any:
        apart = ops.abs(ops.expand_dims(query_position, 1) - ops.expand_dims(key_position, 0))
        dtype = "float64" if self.compute_dtype == "float64" else "float32"
        slopes = ops.reshape(ops.convert_to_tensor(self.slopes, dtype), (1, -1, 1, 1))
        return -slopes * ops.cast(apart, dtype)  # (1, heads, query_length, key_length)
