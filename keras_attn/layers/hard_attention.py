"""Attention that reads one key: drawn in training, the best afterwards."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_attn.errors import expect
from keras_attn.ops import hard, masks, weights
from keras_attn.shapes import check


@keras.saving.register_keras_serializable("keras_attn")
class HardAttention(keras.layers.Layer):
    """c_q = value_s with s ~ Multinoulli(a_q), a = softmax(score(query, key)) over the keys that may be seen.

        query ------------+                       +-- log p(s | a), H[s] --> ReinforceLoss
        key -- project ---+-- score -- mask -- a -+
                                                  +-- draw -- s --+
        value ----------------------------------------------------+-- pick -- context

    In training s is drawn, else it is the key of the largest weight. The draw lets no gradient through: what `scoring`
    learns it learns from log p(s | a) and the entropy H[s] = -sum_k a_k log a_k, by
    `keras_attn.training.ReinforceLoss`. (`StraightThroughWeighing` in `Attention` learns without that loss, from a
    gradient that is not quite the right one.)

    Args:
        scoring: a layer with a sublayer `project_key` and `call(query, projected_key)` giving
            (batch, query_length, key_length), such as `AdditiveScoring(256)`.
        expected: in training, the share of examples that read the expectation sum_k a_qk value_k instead of a draw,
            and let its gradient through; the paper uses 0.5. Their weights are a, and their log-probability
            sum_k a_qk log a_qk, with a taken as given, has no gradient.
        seed: integer for the draws, or None.

    Call arguments:
        query: (batch, query_length, query_features).
        value: (batch, key_length, features).
        key: (batch, key_length, key_features); `value` if None.
        query_mask: (batch, query_length) booleans: rows that are False read nothing (zero context, zero weights).
        value_mask, key_mask: (batch, key_length) booleans, True = may be seen. Keras fills them from hidden masks.
        attention_mask: (batch, query_length, key_length) booleans, True = may look.
        use_causal_mask: position q sees positions <= q only.
        return_attention_scores: also return the weights, which are one-hot.
        return_log_probability: also return log p(s | a) and H[s].

    Returns:
        Context (batch, query_length, features); then, if asked for, weights (batch, query_length, key_length); then, if
        asked for, log-probability and entropy, both (batch, query_length). All are zero for a query that may see
        nothing.

    Source: Xu et al. 2015, "Show, Attend and Tell", section 4.1, eq. 8-9 and what follows eq. 12.
    """

    def __init__(self, scoring: keras.layers.Layer, expected: float = 0.0, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        expect(0 <= expected <= 1, "expected", "a share from 0 to 1", expected)
        self.scoring = scoring
        self.expected = expected
        self.seed = seed
        self.random = keras.random.SeedGenerator(seed)
        self.supports_masking = True  # the context keeps the query's hidden mask, as Keras' layers do

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:
        project = self.scoring.project_key
        key_shape = key_shape or value_shape
        if not project.built:
            project.build(key_shape)
        if not self.scoring.built:
            self.scoring.build(query_shape, project.compute_output_shape(key_shape))
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
        return_log_probability: bool = False,
        training: bool | None = None,
    ) -> Any:
        check(query, "batch query_length query_features", "query")
        check(value, "batch key_length features", "value")
        key = value if key is None else key
        check(key, "batch key_length key_features", "key")
        lengths = (ops.shape(query)[1], ops.shape(key)[1]) if use_causal_mask else None
        mask = masks.of_call(query_mask, value_mask, key_mask, attention_mask, lengths)
        score = self.scoring(query, self.scoring.project_key(key))  # (batch, query_length, key_length)
        weight = self.draw(score, mask) if training else hard.one_hot(score, mask)
        outputs = [weights.read(weight, value)]  # (batch, query_length, features)
        if return_attention_scores:
            outputs.append(weight)
        if return_log_probability:
            log = hard.log_softmax(score, mask)
            chosen = ops.cast(ops.stop_gradient(weight), log.dtype)
            both = ops.sum(chosen * log, axis=-1), hard.entropy(score, mask)  # (batch, query_length)
            outputs += [ops.cast(number, score.dtype) for number in both]
        return tuple(outputs) if len(outputs) > 1 else outputs[0]

    def draw(self, score: Any, mask: Any) -> Any:
        """s of every query as one-hot weights (batch, query_length, key_length), or a itself where that is expected."""
        drawn = ops.cast(hard.one_hot(hard.perturbed(score, self.random), mask), score.dtype)
        if not self.expected:
            return drawn
        uniform = keras.random.uniform((ops.shape(score)[0], 1, 1), dtype="float32", seed=self.random)
        return ops.where(uniform < self.expected, weights.softmax(score, mask), drawn)

    def compute_output_spec(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        *_: Any,
        return_attention_scores: bool = False,
        return_log_probability: bool = False,
        **__: Any,
    ) -> Any:
        rows, key = tuple(query.shape[:2]), value if key is None else key
        shapes = [(*rows, value.shape[-1])]
        shapes += [(*rows, key.shape[1])] * return_attention_scores + [rows] * (2 * return_log_probability)
        outputs = tuple(keras.KerasTensor(shape, dtype=self.compute_dtype) for shape in shapes)
        return outputs if len(outputs) > 1 else outputs[0]

    def get_config(self) -> dict:
        scoring = keras.saving.serialize_keras_object(self.scoring)
        return {**super().get_config(), "scoring": scoring, "expected": self.expected, "seed": self.seed}

    @classmethod
    def from_config(cls, config: dict) -> HardAttention:
        return cls(**{**config, "scoring": keras.saving.deserialize_keras_object(config["scoring"])})
