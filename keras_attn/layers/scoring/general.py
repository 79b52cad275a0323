"""Luong's bilinear scoring: a matrix between query and key."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.layers.scoring.scoring import Scoring, same_width
from keras_attn.ops import scores


@keras.saving.register_keras_serializable("keras_attn")
class GeneralScoring(Scoring):
    """e_qk = q_q^T W k_k, with W k computed once per source.

    Args:
        units: width of the query, to which W takes the keys.
        project_key: the layer that is W, to share one; made here if None.

    Call arguments:
        query: (batch, query_length, units).
        key: (batch, key_length, units), the output of `project_key`.

    Returns:
        Scores (batch, query_length, key_length).

    Raises:
        ValueError: the query's width is not `units`.

    Source: Luong et al. 2015, section 3.1, "general".
    """

    def __init__(self, units: int, project_key: keras.layers.Layer | None = None, **kwargs: Any):
        if units < 1:
            raise ValueError(f"`units` must be at least 1; it came as {units}.")
        make = {"units": units, "use_bias": False, "dtype": kwargs.get("dtype"), "name": "key"}
        super().__init__(project_key or keras.layers.Dense(**make), **kwargs)
        self.units = units

    def build(self, query_shape: Any, key_shape: Any) -> None:
        same_width(query_shape, key_shape, self.name, "`units` must be the query's width")
        self.built = True

    def call(self, query: Any, key: Any) -> Any:
        return scores.dot(query, key)  # (batch, query_length, key_length)

    def get_config(self) -> dict:
        return {**super().get_config(), "units": self.units}
