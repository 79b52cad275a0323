"""A gate for every channel or for every pixel: what channel and spatial attention have in common."""

from __future__ import annotations

from typing import Any

import keras

from keras_attn.layers.vision.image_layer import ImageLayer


@keras.saving.register_keras_serializable("keras_attn")
class ImageGate(ImageLayer):
    """F' = M(F) * F, with gates M(F) in (0, 1).

        F ---- gates ---- M(F) --+
          |                      v
          +--------------------- * ---- F'

    A subclass computes M(F) in `gates`; `gated` names the axes along which gates differ: (3,) gives each channel its
    own, (1, 2) each pixel.

    Call arguments:
        inputs: F, (batch, height, width, channels).
        return_attention_scores: also return the gates.

    Returns:
        F' (batch, height, width, channels); with `return_attention_scores` also M(F), with size 1 along axes that are
        not gated: (batch, 1, 1, channels) or (batch, height, width, 1).

    Source: Woo et al. 2018, eq. 1.
    """

    gated: tuple[int, ...] = (3,)

    def gates(self, inputs: Any) -> Any:
        """M(F), of a shape that broadcasts to F."""
        raise NotImplementedError(f"{type(self).__name__} has to say how its gates are computed.")

    def call(self, inputs: Any, return_attention_scores: bool = False) -> Any:
        self.check(inputs)
        gates = self.gates(inputs)
        output = inputs * gates  # (batch, height, width, channels)
        return (output, gates) if return_attention_scores else output

    def scores_spec(self, inputs_shape: Any) -> Any:
        return self.symbol(*(size if axis in (0, *self.gated) else 1 for axis, size in enumerate(inputs_shape)))
