"""Bahdanau's scoring: a small network looks at query and key together."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.ops import scores


@keras.saving.register_keras_serializable("keras_attn")
class AdditiveScoring(keras.layers.Layer):
    """e_qk = v^T tanh(W s_q + U h_k).

        query s --W--+
                     +-- tanh -- v^T -- score
        key   h --U--+        U h is computed once per source, not once per step

    Args:
        units: width of the hidden layer (n' in the paper).
        kernel_initializer: of W and U. The paper draws N(0, 0.001^2), v = 0; Glorot's learns as well and faster.
        project_key: the layer that is U, to share one; made here if None.

    Call arguments:
        query: (batch, query_length, query_features).
        key: (batch, key_length, units), the output of `project_key`.

    Returns:
        Scores (batch, query_length, key_length).

    Source: Bahdanau, Cho, Bengio 2015, "Neural Machine Translation by Jointly Learning to Align and Translate",
    appendix A.1.2. There are no biases.
    """

    def __init__(
        self,
        units: int,
        kernel_initializer: Any = "glorot_uniform",
        project_key: keras.layers.Layer | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if units < 1:
            raise ValueError(f"`units` must be at least 1; it came as {units}.")
        self.units = units
        self.supports_masking = True  # hidden masks are dealt with by `Attention`; here they need no warning
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        # An initializer object without a seed would give both projections the same numbers.
        clones = [self.kernel_initializer.clone() for _ in range(2)]
        shared = {"units": units, "use_bias": False, "dtype": self.dtype_policy}
        self.project_query = keras.layers.Dense(**shared, kernel_initializer=clones[0], name="query")
        self.project_key = project_key or keras.layers.Dense(**shared, kernel_initializer=clones[1], name="key")

    def build(self, query_shape: Any, key_shape: Any) -> None:
        if not self.project_query.built:
            self.project_query.build(query_shape)
        self.v = self.add_weight(shape=(self.units,), initializer="glorot_uniform", name="v")
        self.built = True

    def call(self, query: Any, key: Any) -> Any:
        return scores.additive(self.project_query(query), key, self.v)  # (batch, query_length, key_length)

    def compute_output_shape(self, query_shape: Any, key_shape: Any) -> tuple:
        return (*query_shape[:2], key_shape[1])

    def get_config(self) -> dict:
        # U is in the configuration, as in a model it is also a layer of its own, ahead of the decoder: so Keras sees
        # that both are one, and a model loaded from a file has it once again.
        return {
            **super().get_config(),
            "units": self.units,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "project_key": keras.saving.serialize_keras_object(self.project_key),
        }

    @classmethod
    def from_config(cls, config: dict) -> AdditiveScoring:
        return cls(**{**config, "project_key": keras.saving.deserialize_keras_object(config["project_key"])})
