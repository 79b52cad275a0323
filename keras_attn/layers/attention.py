"""The one attention: score -> mask -> weigh -> read. Everything else changes one part of it."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.layers.scoring.scoring import Scoring
from keras_attn.layers.weighing.softmax import SoftmaxWeighing
from keras_attn.layers.weighing.weighing import Weighing
from keras_attn.layers.window.window import Window
from keras_attn.ops import masks, weights
from keras_attn.shapes import check


@keras.saving.register_keras_serializable("keras_attn")
class Attention(keras.layers.Layer):
    """c_q = sum_k a_qk value_k, with a = weigh(score(query, key)) over the keys that may be seen.

        query ------------+            window
        key -- project ---+-- score -- mask -- weigh -- a --+
        value ----------------------------------------------+-- sum -- context

    It speaks the protocol of `keras.layers.Attention` with two differences: `value` precedes `key` but inputs are
    separate arguments rather than a list (as in `keras.layers.MultiHeadAttention`), and each part is a layer.

    Args:
        scoring: a `Scoring`, such as `AdditiveScoring(256)`.
        weighing: a `Weighing`; `SoftmaxWeighing()` if None.
        window: a `Window` over the keys, such as `LocalMonotonicWindow(3)`; all keys are looked at if None.

    Call arguments:
        query: (batch, query_length, query_features).
        value: (batch, key_length, features).
        key: (batch, key_length, key_features); `value` if None.
        query_mask: (batch, query_length) booleans: rows that are False read nothing (zero context, zero weights).
        value_mask, key_mask: (batch, key_length) booleans, True = may be seen. Keras fills them from hidden masks.
        attention_mask: (batch, query_length, key_length) booleans, True = may look.
        use_causal_mask: position q sees positions <= q only.
        return_attention_scores: also return the weights.

    Returns:
        Context (batch, query_length, features); with `return_attention_scores` also weights
        (batch, query_length, key_length). A query that may see nothing gets zeros in both.

    Source: Bahdanau et al. 2015, eq. 5-6; the window: Luong et al. 2015, section 3.2.
    """

    def __init__(self, scoring: Scoring, weighing: Weighing | None = None, window: Window | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.scoring = scoring
        self.weighing = weighing or SoftmaxWeighing(dtype=self.dtype_policy)
        self.window = window
        self.supports_masking = True  # the context keeps the query's hidden mask, as Keras' layers do

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:
        project = self.scoring.project_key
        key_shape = key_shape or value_shape
        if not project.built:
            project.build(key_shape)
        self.build_projected(query_shape, project.compute_output_shape(key_shape))

    @property
    def project_key(self) -> keras.layers.Layer:
        """What a decoder does to keys once for each source: the scoring's layer."""
        return self.scoring.project_key

    @property
    def project_value(self) -> keras.layers.Layer | None:
        """What it does to values: nothing."""
        return None

    def context_size(self, memory_shape: dict) -> int:
        """Width of what `read` gives, from the memory's shapes by name."""
        return memory_shape["value"][-1]

    def build_projected(self, query_shape: Any, key_shape: Any) -> None:
        """Build what is used with keys that are already projected, as in a decoder's cell."""
        if not self.scoring.built:
            self.scoring.build(query_shape, key_shape)
        if self.window is not None and not self.window.built:
            self.window.build(query_shape)
        self.built = True

    def call(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        use_causal_mask: bool = False,
        return_attention_scores: bool = False,
        training: bool | None = None,
    ) -> Any:
        check(query, "batch query_length query_features", "query")
        check(value, "batch key_length features", "value")
        key = value if key is None else key
        check(key, "batch key_length key_features", "key")
        lengths = (ops.shape(query)[1], ops.shape(key)[1]) if use_causal_mask else None
        mask = masks.of_call(query_mask, value_mask, key_mask, attention_mask, lengths)
        context, weight = self.read(query, self.scoring.project_key(key), value, mask, training=training)
        return (context, weight) if return_attention_scores else context

    def read(
        self,
        query: Any,
        key: Any,
        value: Any,
        mask: Any = None,
        query_position: Any = None,
        training: bool | None = None,
        **drawn: Any,
    ) -> tuple[Any, Any]:
        """Look into a memory whose keys are already projected.

        Args:
            query: (batch, query_length, query_features).
            key: (batch, key_length, units), projected.
            value: (batch, key_length, features).
            mask: booleans broadcastable to (batch, query_length, key_length), or None.
            query_position: (query_length,) or (batch, query_length) integers, for a window; 0, 1, ... if None.
            drawn: for a weighing that draws, `noise` (batch, query_length, key_length) that was drawn before.

        Returns:
            Context (batch, query_length, features), weights (batch, query_length, key_length).
        """
        score = self.scoring(query, key)  # (batch, query_length, key_length)
        length = ops.shape(key)[1]
        mask = masks.both(mask, self.scoring.visible(length))
        if self.window is None:
            weight = self.weighing(score, mask, training=training, **drawn)
        else:
            if query_position is None:
                query_position = ops.arange(ops.shape(query)[1])
            seen = masks.both(mask, ops.full((1, 1, length), True, dtype="bool"))  # a mask may have one column for all
            count = ops.sum(ops.cast(seen, "int32"), axis=-1)  # (1 or batch, 1 or query_length)
            center = self.window(query, query_position, count)  # (1 or batch, query_length)
            mask = masks.both(mask, self.window.visible(center, length))
            weight = self.window.fade(self.weighing(score, mask, training=training, **drawn), center)
        return weights.read(weight, value), weight

    def compute_output_spec(
        self, query: Any, value: Any, key: Any = None, *_: Any, return_attention_scores: bool = False, **__: Any
    ) -> Any:
        context = keras.KerasTensor((*query.shape[:2], value.shape[-1]), dtype=self.compute_dtype)
        if not return_attention_scores:
            return context
        key = value if key is None else key
        return context, keras.KerasTensor((*query.shape[:2], key.shape[1]), dtype=self.compute_dtype)

    def get_config(self) -> dict:
        parts = {name: getattr(self, name) for name in ("scoring", "weighing", "window")}
        return {**super().get_config(), **keras.tree.map_structure(keras.saving.serialize_keras_object, parts)}

    @classmethod
    def from_config(cls, config: dict) -> Attention:
        parts = {
            name: keras.saving.deserialize_keras_object(config[name]) for name in ("scoring", "weighing", "window")
        }
        return cls(**{**config, **parts})
