"""What all weighings have in common."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable("keras_attn")
class Weighing(keras.layers.Layer):
    """a_q = weigh(e_q): from scores to weights. A subclass says how, in `call`.

    Call arguments:
        scores: (..., query_length, key_length).
        visible: booleans broadcastable to `scores`, True = may look; None = all. (Not called a mask, as Keras fills
            an argument of that name from a hidden mask, which is that of the query.)
        training: for those that draw.

    Returns:
        Weights of the shape and dtype of `scores`; zero where nothing may be seen.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    draws = False  # whether `noise` draws any

    def noise(self, shape: Any, dtype: str) -> Any:
        """What `call` adds to scores of that shape in training, for those who draw it ahead of a loop."""
        raise NotImplementedError(f"{type(self).__name__} draws nothing")

    def get_config(self) -> dict:
        return super().get_config()  # said here, as Keras guesses none where `dtype` came as a `DTypePolicy`

    def compute_output_shape(self, scores_shape: Any, visible_shape: Any = None) -> tuple:
        return tuple(scores_shape)
