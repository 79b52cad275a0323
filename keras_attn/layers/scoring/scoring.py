"""What all scorings have in common."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable("keras_attn")
class Scoring(keras.layers.Layer):
    """e_qk = score(query_q, key_k): how well a query and a key match.

    A subclass says how, in `call`. What it does to keys alone is `project_key`, a layer, so that a decoder does it
    once for each source and not once for each step.

    Args:
        project_key: the layer that keys go through first; none if None.

    Call arguments:
        query: (batch, query_length, query_features).
        key: (batch, key_length, units), the output of `project_key`.

    Returns:
        Scores (batch, query_length, key_length).
    """

    def __init__(self, project_key: keras.layers.Layer | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True  # hidden masks are dealt with by `Attention`; here they need no warning
        self.project_key = project_key or keras.layers.Identity(dtype=self.dtype_policy.name, name="key")

    def visible(self, key_length: Any) -> Any:
        """Booleans broadcastable to the scores: which keys can be scored at all. None is all of them."""
        return None

    def compute_output_shape(self, query_shape: Any, key_shape: Any) -> tuple:
        return (*query_shape[:2], key_shape[1])

    def get_config(self) -> dict:
        # In a model, `project_key` is also a layer of its own, ahead of the decoder. As it is in the configuration,
        # Keras sees that both are one, and a model loaded from a file has it once again.
        return {**super().get_config(), "project_key": keras.saving.serialize_keras_object(self.project_key)}

    @classmethod
    def from_config(cls, config: dict) -> Scoring:
        return cls(**{**config, "project_key": keras.saving.deserialize_keras_object(config["project_key"])})


def same_width(query_shape: Any, key_shape: Any, name: str, instead: str) -> None:
    """Check that query and key can be multiplied part by part.

    Raises:
        ValueError: their last dimensions differ.
    """
    if query_shape[-1] != key_shape[-1]:
        raise ValueError(
            f"{name}: expected `query` and `key` of one width, got query {tuple(query_shape)} and key "
            f"{tuple(key_shape)}; {instead}"
        )
