"""Bahdanau's scoring: a small network looks at query and key together."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.layers.scoring.scoring import Scoring
from keras_attn.ops import scores


@keras.saving.register_keras_serializable("keras_attn")
class AdditiveScoring(Scoring):
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

    query_bias = False

    def __init__(
        self,
        units: int,
        kernel_initializer: Any = "glorot_uniform",
        project_key: keras.layers.Layer | None = None,
        **kwargs: Any,
    ):
        if units < 1:
            raise ValueError(f"`units` must be at least 1; it came as {units}.")
        initializer = keras.initializers.get(kernel_initializer)
        # An initializer object without a seed would give both projections the same numbers.
        of_query, of_key = initializer.clone(), initializer.clone()
        shared = {"units": units, "dtype": kwargs.get("dtype")}
        project_key = project_key or keras.layers.Dense(**shared, use_bias=False, kernel_initializer=of_key, name="key")
        super().__init__(project_key, **kwargs)
        self.units = units
        self.kernel_initializer = initializer
        self.project_query = keras.layers.Dense(
            **shared, use_bias=self.query_bias, kernel_initializer=of_query, name="query"
        )

    def build(self, query_shape: Any, key_shape: Any) -> None:
        if not self.project_query.built:
            self.project_query.build(query_shape)
        self.v = self.add_weight(shape=(self.units,), initializer="glorot_uniform", name="v")
        self.built = True

    def call(self, query: Any, key: Any) -> Any:
        return scores.additive(self.project_query(query), key, self.v)  # (batch, query_length, key_length)

    def get_config(self) -> dict:
        initializer = keras.initializers.serialize(self.kernel_initializer)
        return {**super().get_config(), "units": self.units, "kernel_initializer": initializer}
